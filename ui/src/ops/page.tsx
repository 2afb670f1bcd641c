import { Button, Group, Radio, Stack, Tabs, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { useIdOfAddress, useTurn, useWords } from '../address'
import { get, request } from '../api/http'
import { live } from '../api/live'
import type { Event, Grant, Op, Progress, Saga, Vnf } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Empty, Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { first, Id, Json, lasting, Time, To, useNow } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'
import { traceOf } from '../vnfs/story'
import { Story } from '../vnfs/storyview'
import { counted, options, type Option } from './decide'
import { AttemptView } from './attempt'
import { Outcome } from './outcome'
import { axis, chain, lanesOf, type Lane } from './lanes'
import { Lanes } from './lanesview'

interface Search {
  tab?: string
  /** The command that is looked at. */
  command?: string
}

export function OpPage() {
  const id = useIdOfAddress()
  const search = useWords<Search>()
  const turn = useTurn()
  const session = useSession()
  const [question, ask] = useState<Question | null>(null)
  const op = useQuery({ queryKey: ['op', id, 'op'], queryFn: ({ signal }) => get<Op>(`/vnflcm/v2/vnf_lcm_op_occs/${id}`, signal) })
  const saga = useQuery({ queryKey: ['op', id, 'saga'], queryFn: ({ signal }) => get<Saga>(`/vnfm/v1/sagas/${id}`, signal) })
  const progress = useQuery({ queryKey: ['op', id, 'progress'], queryFn: ({ signal }) => get<Progress>(`/vnfm/v1/vnf_lcm_op_occs/${id}/progress`, signal) })
  const vnfId = op.data?.vnfInstanceId
  const vnf = useQuery({ queryKey: ['vnf', vnfId, 'now'], queryFn: ({ signal }) => get<Vnf>(`/vnfm/v1/vnf_instances/${vnfId}`, signal), enabled: !!vnfId })
  const begun = useQuery({ queryKey: ['op', id, 'begun'], queryFn: ({ signal }) => get<Event[]>(`/vnfm/v1/vnf_lcm_op_occs/${id}/events?type=opocc.started`, signal), staleTime: Infinity })
  useEffect(() => {
    if (!vnfId) return
    live.follow(vnfId)
    return () => live.follow('')
  }, [vnfId])

  const p = progress.data
  const final = p?.final ?? true
  // The server's clock counts: what the browser's differs by is taken out.
  const skew = useMemo(() => (p ? Date.parse(p.now) - Date.now() : 0), [p])
  const now = useNow(final ? null : 500) + skew
  const lanes = useMemo(() => (saga.data ? lanesOf(saga.data, p) : []), [saga.data, p])
  const attempts = saga.data?.attempts ?? []
  const chosen = useMemo(() => attempts.find((a) => a.commandId === search.command), [attempts, search.command])
  const links = useMemo(() => (chosen ? chain(attempts, chosen) : { before: [], after: [] }), [attempts, chosen])
  const related = useMemo(() => new Set([...links.before, ...links.after].map((a) => a.commandId)), [links])
  if (op.isError) return <Refusal error={op.error} what="The operation could not be read" retry={() => void op.refetch()} />
  if (!op.data) return <Loading what="Reading the operation" />

  const o = op.data
  const name = vnf.data?.vnfInstanceName || first(o.vnfInstanceId)
  const can = options(o, saga.data, lanes, session.lacks('lcm:write'))
  const stuck = lanes.filter((l) => l.state === 'STUCK')
  // While it waits for a decision nothing happens: the axis ends where it stopped.
  const resting = final || o.operationState === 'FAILED_TEMP'
  const [from, to] = axis(lanes, Date.parse(o.startTime), p?.endTime ? Date.parse(p.endTime) : resting ? Date.parse(o.stateEnteredTime) : undefined, now)
  const s = saga.data
  const ahead = s?.nextTimeout ? { at: Date.parse(s.nextTimeout), says: aheadText(s, lanes) } : undefined
  const done = lanes.filter((l) => l.state === 'DONE' || l.state === 'SKIPPED').length
  const trace = begun.data?.[0] ? traceOf(begun.data[0]) : ''
  return (
    <>
      <Heading title={`${o.operation} ${name}`}>
        <State state={o.operationState} size="lg" />
      </Heading>
      <Stack gap="sm">
        <Group gap="lg">
          <Text>
            VNF <To to={`/vnfs/${o.vnfInstanceId}`}>{name}</To>
          </Text>
          <Text>
            begun <Time at={o.startTime} /> by {p?.startedBy ?? 'vnfm'}
          </Text>
          <Text>{p?.endTime ? `took ${lasting(Date.parse(p.endTime) - Date.parse(o.startTime))}` : `for ${lasting(now - Date.parse(o.startTime))}`}</Text>
          <Text>
            operation <Id id={o.id} />
          </Text>
          {trace && (
            <Text>
              trace <Id id={trace} />
            </Text>
          )}
        </Group>
        <Text size="sm" role="status">
          {done} of {lanes.length} done.{' '}
          {p && !final && (p.policy === 'rollback' ? 'A failure is rolled back by itself.' : 'A failure waits for an operator.')} {ahead && `${ahead.says}.`}{' '}
          {s?.deadline && !final && (
            <>
              It may last until <Time at={s.deadline} />.
            </>
          )}
        </Text>
        {o.error && (
          <Note kind={o.operationState === 'ROLLED_BACK' ? 'warn' : 'bad'} title={o.error.title ?? 'It failed'}>
            {o.error.detail}
          </Note>
        )}
        {o.isCancelPending && <Note kind="info">It is being cancelled ({o.cancelMode}).</Note>}
        <Decisions name={name} op={o} can={can} stuck={stuck} ask={ask} lacks={session.lacks('site:operate')} />
        <Tabs value={search.tab ?? 'lanes'} onChange={(tab) => turn({ tab: tab ?? undefined })} keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="lanes">Lanes</Tabs.Tab>
            <Tabs.Tab value="story">Story</Tabs.Tab>
            <Tabs.Tab value="outcome">Outcome</Tabs.Tab>
            <Tabs.Tab value="grant">Grant</Tabs.Tab>
            <Tabs.Tab value="request">Request</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="lanes" pt="sm">
            {saga.isError ? (
              <Empty title="No lanes">This operation has no process: it was done in one step.</Empty>
            ) : (
              <>
                <Lanes lanes={lanes} from={from} to={to} now={resting ? undefined : now} ahead={ahead} chosen={search.command} related={related} choose={(b) => turn({ command: b.key === search.command ? undefined : b.key }, true)} />
                <Text size="xs" c="var(--dim)" mt={4}>
                  ▸ sent · ✓ done · ✗ failed · ◂ being undone · ↺ undone · … waits for the next attempt. Choose a bar for its command, the answer, and what led to it.
                </Text>
                {chosen && <AttemptView attempt={chosen} links={links} lanes={lanes} opId={id} choose={(c) => turn({ command: c }, true)} />}
                {s?.cleanups?.map((c) => (
                  <Note key={c.id} kind="info" title={`Clean-up ${c.state}`}>
                    {counted(lanesOf(c))} released, begun <Time at={c.started} />
                  </Note>
                ))}
              </>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="story" pt="sm">
            <Story path={`/vnfm/v1/vnf_lcm_op_occs/${id}/events`} queryKey={['op', id, 'story']} quiet={[]} />
          </Tabs.Panel>
          <Tabs.Panel value="outcome" pt="sm">
            <Outcome op={o} progress={p} />
          </Tabs.Panel>
          <Tabs.Panel value="grant" pt="sm">
            <GrantView id={id} />
          </Tabs.Panel>
          <Tabs.Panel value="request" pt="sm">
            <Json value={o.operationParams ?? {}} />
          </Tabs.Panel>
        </Tabs>
        {(o.warnings?.length ?? 0) > 0 && (
          <Note kind="warn" title="Warnings">
            <ul style={{ margin: 0 }}>
              {o.warnings!.map((w) => (
                <li key={w}>{w}</li>
              ))}
            </ul>
          </Note>
        )}
      </Stack>
      <Confirm question={question} close={() => ask(null)} />
    </>
  )
}

function aheadText(s: Saga, lanes: Lane[]): string {
  const of = s.nextTimeoutOf
  const l = lanes.find((x) => x.step === of?.step && x.item === (of.item ?? ''))
  const what = l ? `${l.kind} ${l.name}` : ''
  const when = new Date(s.nextTimeout!).toLocaleTimeString()
  if (of?.kind === 'backoff') return `The next attempt of ${what} is at ${when}`
  if (of?.kind === 'attempt') return `Without an answer for ${what} by ${when} it is sent again or given up`
  return `At ${when} the whole has taken too long`
}

/** However much is stuck, so many buttons are enough to begin with. */
const mostButtons = 8

function Decisions({ name, op, can, stuck, ask, lacks }: { name: string; op: Op; can: Option[]; stuck: Lane[]; ask: (q: Question) => void; lacks: string }) {
  const final = ['COMPLETED', 'FAILED', 'ROLLED_BACK'].includes(op.operationState)
  if (final) return null
  return (
    <Group gap="xs" role="group" aria-label="Decisions">
      {can.map((c) => (
        <Button key={c.decision} size="sm" variant={c.not ? 'default' : 'filled'} className={c.danger && !c.not ? 'danger' : undefined} disabled={c.not !== ''} title={c.not || undefined} onClick={() => ask(questionOf(c, op, name))}>
          {c.word}
        </Button>
      ))}
      {stuck.slice(0, mostButtons).map((l) => (
        <Button key={l.key} size="sm" variant="default" disabled={lacks !== ''} title={lacks || undefined} onClick={() => ask(resolve(l, op, name))}>
          Decide about {l.kind} {l.name}
        </Button>
      ))}
      {stuck.length > mostButtons && (
        <Text size="sm">
          and about {stuck.length - mostButtons} more, each once those before it are decided, or all from the command line: <Id id={`vnfm op resolve ${first(op.id)}`} whole />
        </Text>
      )}
      {can.every((c) => c.not) && stuck.length === 0 && <Text size="sm">{can[0]?.not}</Text>}
    </Group>
  )
}

function questionOf(c: Option, op: Op, name: string): Question {
  let mode = 'GRACEFUL'
  return {
    title: `${c.word}: ${op.operation} of ${name}`,
    word: c.decision === 'cancel' ? `Cancel ${op.operation} of ${name}` : `${c.word} ${name}`,
    danger: c.danger,
    cli: `vnfm op ${c.decision} ${first(op.id)}`,
    body: (
      <Stack gap="xs">
        <Text>
          The operation {op.operation} of the VNF <b>{name}</b>:
        </Text>
        <ul style={{ margin: 0 }}>
          {c.does.map((d) => (
            <li key={d}>{d}</li>
          ))}
        </ul>
        {c.decision === 'cancel' && (
          <Radio.Group label="How" defaultValue="GRACEFUL" onChange={(v) => (mode = v)}>
            <Radio mt={4} value="GRACEFUL" label="Gracefully: what is under way at VIMs is waited for" />
            <Radio mt={4} value="FORCEFUL" label="Forcefully: what is under way is not waited for" />
          </Radio.Group>
        )}
      </Stack>
    ),
    run: (key) => request('POST', `/vnflcm/v2/vnf_lcm_op_occs/${op.id}/${c.decision}`, { key, body: c.decision === 'cancel' ? { cancelMode: mode } : undefined }),
  }
}

function resolve(l: Lane, op: Op, name: string): Question {
  const said = { decision: 'retry-item', reason: '' }
  return {
    title: `Decide about ${l.kind} ${l.name}`,
    word: `Decide for ${name}`,
    cli: `vnfm op resolve ${first(op.id)}`,
    body: (
      <Stack gap="xs">
        <Text>
          The undo of the {l.kind} <b>{l.name}</b> of the VNF <b>{name}</b> failed for good{l.reason ? `: ${l.reason}` : '.'}
        </Text>
        <Radio.Group label="Decision" defaultValue="retry-item" onChange={(v) => (said.decision = v)}>
          <Radio mt={4} value="retry-item" label="Try the undo again" />
          <Radio mt={4} value="skip-item" label="Leave it behind: it is left over, and a clean-up releases it" />
          <Radio mt={4} value="mark-done" label="Take my word that it is gone" />
        </Radio.Group>
        <TextInput label="Reason" description="Kept in the events. The last two decisions need one." onChange={(e) => (said.reason = e.currentTarget.value)} />
      </Stack>
    ),
    run: (key) => request('POST', `/vnfm/v1/vnf_lcm_op_occs/${op.id}/resolve`, { key, body: { decision: said.decision, step: l.step, item: l.item || undefined, reason: said.reason || undefined } }),
  }
}

function GrantView({ id }: { id: string }) {
  const grant = useQuery({ queryKey: ['op', id, 'grant'], queryFn: ({ signal }) => get<Grant>(`/vnfm/v1/vnf_lcm_op_occs/${id}/grant`, signal) })
  if (grant.isError) return <Empty title="No grant">Nothing was asked for this operation, or not yet.</Empty>
  const g = grant.data
  if (!g) return <Loading what="Reading the grant" />
  return (
    <Stack gap="xs">
      <Group>
        <State state={g.state} />
        <Text>decided by {g.decider === 'LOCAL' ? 'our own policy' : 'the NFVO'}</Text>
        {g.reason && <Text>{g.reason}</Text>}
        {g.nextTry && (
          <Text>
            asked again at <Time at={g.nextTry} />
          </Text>
        )}
      </Group>
      <Text fw={600}>Request</Text>
      <Json value={g.request} />
      <Text fw={600}>Answer</Text>
      <Json value={g.grant ?? null} />
    </Stack>
  )
}

