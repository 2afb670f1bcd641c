import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { all } from '../api/http'
import type { Attempt, Event } from '../api/types'
import { Id, Json, lasting, Time } from '../parts/text'
import { tell, traceOf } from '../vnfs/story'
import type { Lane } from './lanes'

/** A command with its answer, what led to it, and what it led to. */
export function AttemptView({ attempt: a, links, lanes, opId, choose }: { attempt: Attempt; links: { before: Attempt[]; after: Attempt[] }; lanes: Lane[]; opId: string; choose: (command: string) => void }) {
  const events = useQuery({ queryKey: ['op', opId, 'story'], queryFn: ({ signal }) => all<Event>(`/vnfm/v1/vnf_lcm_op_occs/${opId}/events`, 5000, signal) })
  const nameOf = (x: Attempt) => {
    const l = lanes.find((y) => y.step === x.step && y.item === (x.item ?? ''))
    return `${x.direction === 'undo' ? 'undo ' : ''}${x.step}${l?.item ? ` ${l.kind} ${l.name}` : ''}${x.attempt > 1 ? ` #${x.attempt}` : ''}`
  }
  const came = (events.data ?? []).filter((e) => a.replied !== undefined && e.time === a.replied)
  const trace = came.map(traceOf).find((t) => t !== '')
  const list = (of: Attempt[], none: string) =>
    of.length === 0 ? (
      <Text size="sm">{none}</Text>
    ) : (
      <Group gap={6}>
        {of.slice(0, 30).map((x) => (
          <Button key={x.commandId} size="compact-xs" variant="default" onClick={() => choose(x.commandId)}>
            {nameOf(x)}
          </Button>
        ))}
        {of.length > 30 && <Text size="sm">and {of.length - 30} more</Text>}
      </Group>
    )
  return (
    <Paper withBorder p="md" mt="sm" component="section" aria-label="Command">
      <Stack gap="xs">
        <Text fw={700}>{nameOf(a)}</Text>
        <Group gap="lg">
          <Text size="sm">
            command <Id id={a.commandId} />
          </Text>
          <Text size="sm">
            sent <Time at={a.sent} short />
          </Text>
          {a.replied ? (
            <Text size="sm">
              answered <Time at={a.replied} short /> after {lasting(Date.parse(a.replied) - Date.parse(a.sent))}
            </Text>
          ) : (
            <Text size="sm">no answer yet</Text>
          )}
          <Text size="sm">
            {a.state}
            {a.class && `, ${a.class}`}
          </Text>
          {trace && (
            <Text size="sm">
              trace <Id id={trace} />
            </Text>
          )}
        </Group>
        {a.reason && <Text c="var(--bad-fg)">{a.reason}</Text>}
        <Text size="sm" fw={600}>
          Sent because of the answer to
        </Text>
        {list(links.before, 'It is the first: the request for the operation led to it.')}
        <Text size="sm" fw={600}>
          Its answer led to
        </Text>
        {list(links.after, a.replied ? 'No further command.' : 'There is no answer yet.')}
        {came.length > 0 && (
          <>
            <Text size="sm" fw={600}>
              Events of its answer
            </Text>
            <ul style={{ margin: 0 }}>
              {came.map((e) => (
                <li key={e.id}>
                  {tell(e).what} {tell(e).said}
                </li>
              ))}
            </ul>
          </>
        )}
        {a.result !== undefined && <Json value={a.result} />}
      </Stack>
    </Paper>
  )
}
