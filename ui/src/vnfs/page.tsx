import { Badge, Button, Group, Menu, Stack, Tabs, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import { useGoTo, useIdOfAddress, useTurn, useWords } from '../address'
import { all, get, query, request } from '../api/http'
import { live } from '../api/live'
import type { Event, OpSummary, Progress, Vnf, Vnfd, VnfSummary } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Loading, Note, Refusal } from '../parts/feedback'
import { quoted } from '../parts/filter'
import { State } from '../parts/state'
import { first, Id, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'
import { choices, type Action } from './actions'
import { Changes } from './changes'
import { Drift } from './drift'
import { isOperation, Operate } from './operate'
import { VnfOperations } from './operations'
import { pictureOf } from './picture'
import { Resources } from './resources'
import { Slider } from './slider'
import { Snapshots } from './snapshots'
import { differing } from './story'
import { Story } from './storyview'
import { Under } from './list'

const Topology = lazy(() => import('./topology').then((m) => ({ default: m.Topology })))

interface Search {
  tab?: string
  /** The version that is looked at; absent: now. */
  at?: number
  /** The version that it is compared with. */
  from?: number
  do?: string
}

export function VnfPage() {
  const id = useIdOfAddress()
  const search = useWords<Search>()
  const turn = useTurn()
  const go = useGoTo()
  const session = useSession()
  const [question, ask] = useState<Question | null>(null)
  useEffect(() => {
    live.follow(id)
    return () => live.follow('')
  }, [id])

  const now = useQuery({ queryKey: ['vnf', id, 'now'], queryFn: ({ signal }) => get<Vnf>(`/vnfm/v1/vnf_instances/${id}`, signal) })
  const then = useQuery({
    queryKey: ['vnf', id, 'at', search.at],
    queryFn: ({ signal }) => get<Vnf>(`/vnfm/v1/vnf_instances/${id}?at=${search.at}`, signal),
    enabled: search.at !== undefined,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  })
  const moments = useQuery({ queryKey: ['vnf', id, 'moments'], queryFn: ({ signal }) => all<Event>(`/vnfm/v1/vnf_instances/${id}/events?type=vnf.*`, 5000, signal) })
  const vnfd = useQuery({
    queryKey: ['vnfd', id, now.data?.vnfdId],
    queryFn: ({ signal }) => get<Vnfd>(`/vnfm/v1/vnf_instances/${id}/descriptor`, signal),
    staleTime: Infinity,
    enabled: session.may('packages:read') && now.isSuccess && !now.data.deleted,
  })
  const running = now.data?.operationUnderWay
  const progress = useQuery({ queryKey: ['op', running, 'progress'], queryFn: ({ signal }) => get<Progress>(`/vnfm/v1/vnf_lcm_op_occs/${running}/progress`, signal), enabled: !!running })
  const op = useQuery({
    queryKey: ['op', running, 'summary'],
    queryFn: async ({ signal }) => (await get<OpSummary[]>('/vnfm/v1/vnf_lcm_op_occs' + query({ filter: `(eq,vnfLcmOpOccId,${running})` }), signal))[0] ?? null,
    enabled: !!running,
  })

  const noted = useQuery({
    queryKey: ['vnf', id, 'noted'],
    queryFn: async ({ signal }) => (await get<VnfSummary[]>('/vnfm/v1/vnf_instances' + query({ filter: `(eq,id,${quoted(id)})` }), signal))[0]?.drift ?? null,
  })

  const past = search.at !== undefined && search.at !== now.data?.moment.version
  const vnf = past ? then.data : now.data
  const flavour = vnfd.data?.flavours.find((f) => f.flavourId === (vnf?.instantiatedVnfInfo?.flavourId ?? progressFlavour(vnfd.data)))
  const picture = useMemo(() => vnf && pictureOf(vnf, past || !running ? [] : progress.data?.resources, flavour), [vnf, past, running, progress.data, flavour])
  if (now.isError) return <Refusal error={now.error} what="The VNF could not be read" retry={() => void now.refetch()} />
  if (!now.data || !vnf || !picture) return then.isError ? <Refusal error={then.error} what="The VNF as it was could not be read" retry={() => turn({ at: undefined })} word="Back to now" /> : <Loading what="Reading the VNF" />

  const name = vnf.vnfInstanceName || first(vnf.id)
  const can = choices({
    vnf: now.data, flavour, flavours: vnfd.data?.flavours.length, under: op.data ? `${op.data.operation}, ${op.data.operationState}` : undefined, lacks: session.lacks('lcm:write'), lacksOperate: session.lacks('site:operate'), past,
  })
  const start = (action: Action) => {
    if (isOperation(action)) return void turn({ do: action })
    ask(action === 'DELETE' ? remove(now.data, () => go('/vnfs')) : cleanUp(now.data))
  }
  const tab = search.tab ?? 'topology'
  const cannot = can.filter((c) => c.not !== '')
  return (
    <>
      <Heading title={name}>
        <State state={vnf.deleted ? 'DELETED' : vnf.instantiationState} />
        {vnf.instantiatedVnfInfo && <State state={vnf.instantiatedVnfInfo.vnfState} />}
        <Menu position="bottom-end" width={340} shadow="md">
          <Menu.Target>
            <Button>Do something</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {can.map((c) => (
              <Menu.Item key={c.action} disabled={c.not !== ''} onClick={() => start(c.action)} data-action={c.action}>
                <Text size="sm" fw={600} c={c.not ? 'var(--dim)' : c.danger ? 'var(--bad-fg)' : undefined}>
                  {c.label}
                </Text>
                {c.not && (
                  <Text size="xs" c="var(--dim)">
                    {c.not}
                  </Text>
                )}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </Heading>
      <Stack gap="sm">
        <Group gap="lg" component="dl" m={0}>
          <Fact name="Product">
            {vnf.vnfProductName} {vnf.vnfSoftwareVersion} by {vnf.vnfProvider}
          </Fact>
          {vnf.instantiatedVnfInfo && <Fact name="Flavour">{vnf.instantiatedVnfInfo.flavourId}</Fact>}
          {vnf.instantiatedVnfInfo?.scaleStatus?.map((s) => (
            <Fact key={s.aspectId} name={s.aspectId}>
              level {s.scaleLevel}
            </Fact>
          ))}
          <Fact name="Changed">
            <Time at={vnf.moment.time} />
          </Fact>
          <Fact name="Id">
            <Id id={vnf.id} />
          </Fact>
        </Group>
        {vnf.vnfInstanceDescription && <Text>{vnf.vnfInstanceDescription}</Text>}
        {running && !past && (
          <Group gap="sm" role="status">
            <Under op={op.data ?? undefined} id={running} />
          </Group>
        )}
        {past && (
          <Note kind="info" title="This is the past">
            The VNF as it was at version {vnf.moment.version} of {now.data.moment.version}, <Time at={vnf.moment.time} />: {vnf.moment.event} by {vnf.moment.actor ?? 'vnfm'}.{' '}
            <Button size="compact-xs" variant="default" onClick={() => turn({ at: undefined })}>
              Back to now
            </Button>
          </Note>
        )}
        {noted.data && !past && (
          <Note kind={noted.data.state === 'SUSPECT' ? 'bad' : 'warn'} title={`It differs from its records: ${differing(noted.data)}`}>
            At {noted.data.vimConnectionIds.join(', ')}, since <Time at={noted.data.since} />.
            {noted.data.state === 'SUSPECT' && ' The VIM shows so little of what is recorded there that it may be ill: nothing is repaired by itself.'}
            {noted.data.repairGivenUp && ' It was repaired as often as it may be without anybody\'s asking.'}{' '}
            <Button size="compact-xs" variant="default" onClick={() => turn({ tab: 'drift' })}>
              Show what differs
            </Button>
          </Note>
        )}
        {(vnf.leftovers?.length ?? 0) > 0 && (
          <Note kind="warn" title={`${vnf.leftovers!.length} left over at VIMs by a failed operation`}>
            {vnf.leftovers!.map((l) => `${l.kind} ${l.name ?? first(l.id)} at ${l.vimConnectionId}`).join(', ')}
          </Note>
        )}
        {(moments.data?.length ?? 0) > 1 && <Slider moments={moments.data!} at={search.at} set={(at) => turn({ at }, true)} />}
        <Tabs value={tab} onChange={(t) => turn({ tab: t ?? undefined })} keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="topology">Topology</Tabs.Tab>
            <Tabs.Tab value="resources">Resources</Tabs.Tab>
            <Tabs.Tab value="operations">Operations</Tabs.Tab>
            <Tabs.Tab value="story">Story</Tabs.Tab>
            <Tabs.Tab value="changes">Changes</Tabs.Tab>
            <Tabs.Tab value="drift">Drift</Tabs.Tab>
            <Tabs.Tab value="snapshots">Snapshots</Tabs.Tab>
            <Tabs.Tab value="can">
              What can be done {cannot.length < can.length && <Badge size="sm" variant="default">{can.length - cannot.length}</Badge>}
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="topology" pt="sm">
            {picture.nodes.length === 0 ? (
              <NothingThere />
            ) : (
              <Suspense fallback={<Loading what="Drawing" />}>
                <Topology picture={picture} label={`Topology of ${name}: ${picture.nodes.length} nodes. The tab Resources has the same as tables.`} />
              </Suspense>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="resources" pt="sm">
            <Resources vnf={vnf} />
          </Tabs.Panel>
          <Tabs.Panel value="operations" pt="sm">
            <VnfOperations id={id} />
          </Tabs.Panel>
          <Tabs.Panel value="story" pt="sm">
            <Story path={`/vnfm/v1/vnf_instances/${id}/events`} queryKey={['vnf', id, 'story']} quiet={['opocc.progressed', 'opocc.resource-reserved', 'opocc.resource-released', 'opocc.resource-undone']} />
          </Tabs.Panel>
          <Tabs.Panel value="changes" pt="sm">
            <Changes id={id} moments={moments.data ?? []} from={search.from} to={search.at} set={(c) => turn(c, true)} />
          </Tabs.Panel>
          <Tabs.Panel value="drift" pt="sm">
            {past ? <Note kind="info">VIMs are asked as they are now: go back to now.</Note> : <Drift id={id} not={can.find((c) => c.action === 'SYNC')?.not ?? ''} repair={() => start('SYNC')} />}
          </Tabs.Panel>
          <Tabs.Panel value="snapshots" pt="sm">
            {past ? (
              <Note kind="info">Snapshots are shown as they are now: go back to now.</Note>
            ) : (
              <Snapshots vnf={now.data} not={can.find((c) => c.action === 'HEAL')?.not || (flavour?.vdus?.some((v) => v.container) ? 'The VNF is one of containers.' : '')} lacks={session.lacks('lcm:write')} begun={(opId) => go(`/ops/${opId}`)} />
            )}
          </Tabs.Panel>
          <Tabs.Panel value="can" pt="sm">
            <Stack gap="xs" component="ul" style={{ listStyle: 'none', padding: 0 }}>
              {can.map((c) => (
                <Group key={c.action} component="li" gap="sm">
                  <Button w={230} variant={c.danger ? 'default' : 'filled'} disabled={c.not !== ''} onClick={() => start(c.action)}>
                    {c.label}
                  </Button>
                  <Text size="sm">{c.not || 'can be done now'}</Text>
                </Group>
              ))}
            </Stack>
          </Tabs.Panel>
        </Tabs>
      </Stack>
      {isOperation(search.do) && vnfd.data && (
        <Operate key={search.do} vnf={now.data} vnfd={vnfd.data} operation={search.do} not={can.find((c) => c.action === search.do)?.not ?? ''} close={() => turn({ do: undefined })} begun={(opId) => void turn({ do: undefined }, true).then(() => go(`/ops/${opId}`))}
        />
      )}
      <Confirm question={question} close={() => ask(null)} />
    </>
  )
}

const progressFlavour = (vnfd: Vnfd | undefined) => vnfd?.flavours[0]?.flavourId

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="var(--dim)">
        {name}
      </Text>
      <Text component="dd" m={0}>
        {children}
      </Text>
    </div>
  )
}

function NothingThere() {
  return (
    <Note kind="info" title="Nothing stands">
      The VNF is a record only: it has nothing at a VIM. Instantiate it to make its machines and networks. <To to="/packages">The descriptor</To> shows what that would be.
    </Note>
  )
}

function remove(vnf: Vnf, done: () => void): Question {
  const name = vnf.vnfInstanceName || first(vnf.id)
  return {
    title: `Delete ${name}`,
    body: (
      <Text>
        The record of the VNF <b>{name}</b> goes. Its past stays: its address goes on to show it as it was.
        {(vnf.leftovers?.length ?? 0) > 0 && ' What failed operations left at VIMs is released first.'}
      </Text>
    ),
    word: `Delete ${name}`,
    cli: `vnfm vnf delete ${vnf.vnfInstanceName || vnf.id}`,
    danger: true,
    run: async (key) => {
      await request('DELETE', `/vnflcm/v2/vnf_instances/${vnf.id}`, { key })
      done()
    },
  }
}

function cleanUp(vnf: Vnf): Question {
  const name = vnf.vnfInstanceName || first(vnf.id)
  return {
    title: `Clean up ${name}`,
    body: (
      <>
        <Text>
          What failed operations left of the VNF <b>{name}</b> at VIMs is released:
        </Text>
        <ul>
          {vnf.leftovers?.map((l) => (
            <li key={l.id}>
              {l.kind} {l.name ?? first(l.id)} at {l.vimConnectionId}
            </li>
          ))}
        </ul>
      </>
    ),
    word: `Clean up ${name}`,
    cli: `vnfm vnf cleanup ${vnf.vnfInstanceName || vnf.id}`,
    run: (key) => request('POST', `/vnfm/v1/vnf_instances/${vnf.id}/cleanup`, { key }),
  }
}
