import { Button, Group, Stack, Switch, Tabs, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTurn, useWords } from '../address'
import { all, get, query, request } from '../api/http'
import type { Audit, Cluster, Denial, Health, Parked, System } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { first, Id, Json, lasting, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'

export function SystemPage() {
  const { tab } = useWords<{ tab?: string }>()
  const turn = useTurn()
  const session = useSession()
  if (!session.may('site:administer'))
    return (
      <Note kind="warn" title="This page is not for your role">
        {session.lacks('site:administer')}
      </Note>
    )
  return (
    <>
      <Heading title="System" />
      <Tabs value={tab ?? 'node'} onChange={(t) => turn({ tab: t ?? undefined })} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="node">Node</Tabs.Tab>
          <Tabs.Tab value="audit">Audit</Tabs.Tab>
          <Tabs.Tab value="parked">Parked messages</Tabs.Tab>
          <Tabs.Tab value="denials">Denials</Tabs.Tab>
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
        </Tabs.List>
        {[['node', Node], ['audit', AuditView], ['parked', ParkedView], ['denials', Denials], ['settings', Settings]].map(([value, View]) => {
          const V = View as () => React.ReactNode
          return (
            <Tabs.Panel key={value as string} value={value as string} pt="sm">
              <V />
            </Tabs.Panel>
          )
        })}
      </Tabs>
    </>
  )
}

const useSystem = () => useQuery({ queryKey: ['site', 'system'], queryFn: ({ signal }) => get<System>('/vnfm/v1/system', signal), refetchInterval: 5000 })

function Node() {
  const system = useSystem()
  const cluster = useQuery({ queryKey: ['site', 'cluster'], queryFn: ({ signal }) => get<Cluster>('/vnfm/v1/cluster', signal), refetchInterval: 5000 })
  const ready = useQuery({ queryKey: ['site', 'ready'], queryFn: ({ signal }) => get<Health>('/readyz', signal), refetchInterval: 5000, retry: false })
  const s = system.data
  if (system.isError) return <Refusal error={system.error} what="The system could not be read" />
  if (!s) return <Loading what="Reading the system" />
  return (
    <Stack>
      {ready.isError ? <Refusal error={ready.error} what="The node is not ready" /> : ready.data && <Note kind="good" title="The node is ready">{ready.data.checks?.map((c) => c.detail || c.name).join('; ')}</Note>}
      <Rows
        label="Node"
        head={['What', 'Value']}
        rows={[
          ['Node that answers', s.node],
          ['Version', s.version],
          ['Go', s.go],
          ['Database', s.database],
          ['Running since', <span key="t"><Time at={s.started} /> ({lasting(Date.now() - Date.parse(s.started))})</span>],
        ]}
      />
      {cluster.data && (
        <>
          <Rows
            label="Nodes of the site"
            head={['Node', 'State', 'Version', 'Roles', 'Since', 'Lanes']}
            rows={cluster.data.nodes.map((n) => [
              n.name,
              <State key="s" state={n.state} size="sm" />,
              n.version,
              n.roles.join(', '),
              <Time key="t" at={n.since} />,
              cluster.data.lanes.filter((l) => l.nodeId === n.id).map((l) => `${l.role} ${l.count}`).join(', '),
            ])}
          />
          {cluster.data.lanes.some((l) => !l.nodeId) && <Note kind="warn" title="Lanes that no node has">{cluster.data.lanes.filter((l) => !l.nodeId).map((l) => `${l.role} ${l.count}`).join(', ')}</Note>}
          <Rows
            label="Consumers"
            head={['Consumer', 'Reads', 'Lanes in which a message waits', 'The oldest waits for', 'Parked']}
            rows={cluster.data.consumers.map((c) => [
              c.name,
              <span key="t" className="mono">{c.topic}</span>,
              c.waitingLanes,
              c.oldestSeconds > 0 ? lasting(c.oldestSeconds * 1000) : '',
              c.parked > 0 ? <To key="p" to="/system" search={{ tab: 'parked' }}>{c.parked}</To> : 0,
            ])}
          />
          <Text size="sm">{cluster.data.timersDue} timers are due and not fired yet.</Text>
        </>
      )}
    </Stack>
  )
}

function AuditView() {
  const [chain, setChain] = useState(false)
  const audit = useMutation({ mutationFn: () => get<Audit>('/vnfm/v1/audit' + query({ chain })) })
  const a = audit.data
  return (
    <Stack align="flex-start">
      <Text>An audit looks for what must never be. It writes nothing and mends nothing. It takes a few seconds: a finding is one that is there at two looks.</Text>
      <Group>
        <Button loading={audit.isPending} onClick={() => audit.mutate()}>
          Audit now
        </Button>
        <Switch label="Walk all events, too" checked={chain} onChange={(e) => setChain(e.currentTarget.checked)} />
      </Group>
      {audit.isPending && <Loading what="Looking" />}
      {audit.isError && <Refusal error={audit.error} what="The audit was not made" />}
      {a && (
        <>
          <Note kind={a.ok ? (a.complete ? 'good' : 'warn') : 'bad'} title={a.ok ? (a.complete ? 'Nothing was found' : 'Nothing was found in what could be looked at') : `${a.findings.length} findings`}>
            Looked at {a.looked.events} events, {a.looked.sagas} sagas under way, {a.looked.timers} timers, {a.looked.vimResources} resources at VIMs, in {lasting(a.tookMs)}.
          </Note>
          {a.findings.length > 0 && (
            <Rows
              label="Findings"
              head={['Check', 'What', 'Where', 'VNF', 'What to do']}
              rows={a.findings.map((f) => [<span key="c" className="mono">{f.check}</span>, f.what, <span key="w" className="mono wrap">{f.where}</span>, f.vnfInstanceId ? <To key="v" to={`/vnfs/${f.vnfInstanceId}`}>{first(f.vnfInstanceId)}</To> : '', f.do])}
            />
          )}
          {a.unmade.length > 0 && <Rows label="Not checked" head={['Not checked', 'Why']} rows={a.unmade.map((u) => [u.check, u.reason])} />}
        </>
      )}
    </Stack>
  )
}

function ParkedView() {
  const queries = useQueryClient()
  const [question, ask] = useState<Question | null>(null)
  const parked = useQuery({ queryKey: ['site', 'parked'], queryFn: ({ signal }) => get<Parked[]>('/vnfm/v1/parked_messages', signal), refetchInterval: 5000 })
  if (parked.isError) return <Refusal error={parked.error} what="The parked messages could not be read" />
  if (!parked.data) return <Loading what="Reading the parked messages" />
  return (
    <Stack>
      <Text>A message that cannot be handled is set aside, and those of the same VNF behind it, so that the others go on. Mend the cause, then handle it again.</Text>
      <Rows
        label="Parked messages"
        head={['Since', 'Consumer', 'Message', 'VNF', 'Why', '']}
        rows={parked.data.map((m) => [
          <Time key="t" at={m.at} />,
          m.consumer,
          <span key="m" className="mono">{m.type}</span>,
          <To key="v" to={`/vnfs/${m.key}`}>{first(m.key)}</To>,
          <span key="r" className="wrap">{m.reason}</span>,
          <Group key="b" gap={4} wrap="nowrap">
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => ask({ title: 'Retry a parked message', word: 'Retry it', cli: `vnfm parked retry ${m.id}`, body: <Text>The message {m.type} of the VNF {first(m.key)}, and those behind it, are handled again, in order.</Text>, run: () => request('POST', `/vnfm/v1/parked_messages/${m.id}/redrive`).then(() => queries.invalidateQueries({ queryKey: ['site'] })) })}
            >
              Retry
            </Button>
            <Button size="compact-xs" variant="default" onClick={() => ask({ title: 'A parked message', word: 'Close', body: <Content id={m.id} />, run: () => Promise.resolve() })}>
              Show
            </Button>
            <Button size="compact-xs" variant="default" onClick={() => ask(skip(m, () => queries.invalidateQueries({ queryKey: ['site'] })))}>
              Skip
            </Button>
          </Group>,
        ])}
        empty="None is parked."
      />
      <Confirm question={question} close={() => ask(null)} />
    </Stack>
  )
}

/** What a parked message says. */
function Content({ id }: { id: string }) {
  const message = useQuery({ queryKey: ['site', 'parked', id], queryFn: ({ signal }) => get<Parked>(`/vnfm/v1/parked_messages/${id}`, signal) })
  if (message.isError) return <Refusal error={message.error} what="The message could not be read" />
  return message.data ? <Json value={message.data} /> : <Loading what="Reading the message" />
}

function skip(m: Parked, done: () => Promise<unknown>): Question {
  let reason = ''
  return {
    title: 'Skip a parked message',
    word: 'Skip it',
    cli: `vnfm parked skip ${m.id} --reason …`,
    danger: true,
    body: (
      <Stack gap="xs">
        <Text>
          The message {m.type} of the VNF {first(m.key)} is not handled, for ever; those behind it are. The operation that waits for it may wait until its deadline.
        </Text>
        <TextInput label="Reason" description="It is kept with the events." data-autofocus onChange={(e) => (reason = e.currentTarget.value)} />
      </Stack>
    ),
    run: (key) => request('POST', `/vnfm/v1/parked_messages/${m.id}/skip`, { key, body: { reason } }).then(done),
  }
}

function Denials() {
  const denials = useQuery({ queryKey: ['site', 'denials'], queryFn: ({ signal }) => all<Denial>('/vnfm/v1/audit/denials', 2000, signal) })
  if (denials.isError) return <Refusal error={denials.error} what="The denials could not be read" />
  if (!denials.data) return <Loading what="Reading the denials" />
  return (
    <Rows
      label="Denials"
      head={['Last', 'Times', 'Answer', 'Caller', 'From', 'Route', 'Why']}
      rows={[...denials.data].reverse().map((d) => [<Time key="t" at={d.last} />, d.count, d.status, <span key="c">{d.caller} {d.role && <State state={d.role} size="sm" />}</span>, d.address ?? '', <span key="r" className="mono wrap">{d.method} {d.route}</span>, <span key="w" className="wrap">{d.detail ?? d.reason}</span>])}
      empty="Nobody was denied anything in the last week."
    />
  )
}

function Settings() {
  const system = useSystem()
  const [text, type] = useState('')
  const [changed, only] = useState(false)
  const settings = (system.data?.settings ?? []).filter((s) => s.name.includes(text.toLowerCase()) && (!changed || !s.default))
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput label="Setting" placeholder="part of a name" value={text} onChange={(e) => type(e.currentTarget.value)} />
        <Switch label="Only those that are not as they come" checked={changed} onChange={(e) => only(e.currentTarget.checked)} />
      </Group>
      <Rows label="Settings" head={['Setting', 'Value', '']} rows={settings.map((s) => [<span key="n" className="mono">{s.name}</span>, <span key="v" className="mono wrap">{s.value || '–'}</span>, s.secret ? 'secret' : s.default ? '' : 'set'])} empty="No setting is like that." />
      <Text size="sm">
        The same from the command line: <span className="mono">vnfmd config</span> <Id id="vnfmd config" whole />
      </Text>
    </Stack>
  )
}
