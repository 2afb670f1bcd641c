import { Button, Collapse, Group, Stack, Switch, Text, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { all } from '../api/http'
import type { Event } from '../api/types'
import { Loading, Refusal } from '../parts/feedback'
import { Id, Json, Time, To } from '../parts/text'
import { tell, traceOf, who } from './story'

/** Events as a story, the newest first: when, who, what, and why. quiet are the types that are shown on demand. */
export function Story({ path, queryKey, quiet }: { path: string; queryKey: string[]; quiet: string[] }) {
  const [loud, setLoud] = useState(false)
  const [most, more] = useState(200)
  const events = useQuery({ queryKey, queryFn: ({ signal }) => all<Event>(path, 5000, signal) })
  if (events.isError) return <Refusal error={events.error} what="The events could not be read" />
  if (!events.data) return <Loading what="Reading the events" />
  const told = events.data.filter((e) => loud || !quiet.includes(e.type)).reverse()
  return (
    <Stack gap="xs">
      {quiet.length > 0 && <Switch label="Every step of the operations" checked={loud} onChange={(e) => setLoud(e.currentTarget.checked)} />}
      <ol style={{ listStyle: 'none', margin: 0, padding: 0 }} aria-label="Events, the newest first">
        {told.slice(0, most).map((e) => (
          <Line key={e.id} e={e} />
        ))}
      </ol>
      {told.length > most && (
        <Button variant="default" onClick={() => more(most + 500)}>
          Show older ones ({told.length - most} more)
        </Button>
      )}
    </Stack>
  )
}

function Line({ e }: { e: Event }) {
  const [open, setOpen] = useState(false)
  const t = tell(e)
  return (
    <li style={{ borderLeft: `3px solid var(--${t.tone}-line)`, padding: '4px 0 4px 12px', marginBottom: 4 }}>
      <UnstyledButton onClick={() => setOpen(!open)} aria-expanded={open} w="100%">
        <Group gap="xs" wrap="wrap">
          <Text size="sm" c="var(--dim)">
            <Time at={e.time} />
          </Text>
          <Text fw={600}>
            <span aria-hidden>{t.sign} </span>
            {t.what}
          </Text>
          <Text className="wrap">{t.said}</Text>
          <Text size="sm" c="var(--dim)">
            {who(e)}
            {e.command && `, ${e.command}`}
          </Text>
        </Group>
      </UnstyledButton>
      <Collapse expanded={open}>
        {open && (
          <Stack gap={4} mt={4}>
            <Group gap="lg">
              <Text size="sm">
                Event <Id id={e.id} />
              </Text>
              {e.causationId && (
                <Text size="sm">
                  caused by <Id id={e.causationId} />
                </Text>
              )}
              {e.correlationId && (
                <Text size="sm">
                  operation <To to={`/ops/${e.correlationId}`}>{e.correlationId.slice(0, 8)}</To>
                </Text>
              )}
              {traceOf(e) && (
                <Text size="sm">
                  trace <Id id={traceOf(e)} />
                </Text>
              )}
              <Text size="sm" className="mono">
                {e.type} {e.stream.slice(0, e.stream.indexOf('-'))} #{e.version}
              </Text>
            </Group>
            <Json value={e.data} />
          </Stack>
        )}
      </Collapse>
    </li>
  )
}
