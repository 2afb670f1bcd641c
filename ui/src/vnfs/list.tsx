import { Button, Progress } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, memo, Suspense } from 'react'
import { useGoTo, useTurn, useWords } from '../address'
import { get, query, request } from '../api/http'
import type { OpSummary, Pkg, VnfSummary } from '../api/types'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { FilterBar } from '../parts/filterbar'
import { Pages, type PageSearch } from '../parts/paging'
import { State } from '../parts/state'
import { Grid } from '../parts/table'
import { Id, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'
import { differing } from './story'

const CreateVnf = lazy(() => import('./create').then((m) => ({ default: m.CreateVnf })))

interface Search extends PageSearch {
  filter?: string
  sort?: string
  create?: string
}

const columns: { head: string; sort?: string }[] = [
  { head: 'Name', sort: 'vnfInstanceName' },
  { head: 'State', sort: 'instantiationState' },
  { head: 'Operation' },
  { head: 'Product', sort: 'vnfProductName' },
  { head: 'Version', sort: 'vnfSoftwareVersion' },
  { head: 'VNFCs' },
  { head: 'Changed' },
  { head: 'Id', sort: 'id' },
]

const saved = [
  { label: 'Instantiated', filter: '(eq,instantiationState,INSTANTIATED)' },
  { label: 'Under operation', filter: '(neq,operationUnderWay,)' },
  { label: 'Differ from the records', filter: '(in,drift/state,DRIFTED,SUSPECT)' },
]

export function VnfList() {
  const search = useWords<Search>()
  const turn = useTurn()
  const session = useSession()
  const go = useGoTo()
  const sort = search.sort ?? 'vnfInstanceName'
  const list = useQuery({
    queryKey: ['vnfs', search.filter, sort, search.page],
    queryFn: ({ signal }) =>
      request<VnfSummary[]>('GET', '/vnfm/v1/vnf_instances' + (search.page ? query({ nextpage_opaque_marker: search.page }) : query({ filter: search.filter, sort })), { signal }),
    placeholderData: keepPreviousData,
  })
  const vnfs = list.data?.body ?? []
  const busy = vnfs.flatMap((v) => v.operationUnderWay ?? [])
  const ops = useQuery({
    queryKey: ['ops', 'of', busy],
    queryFn: ({ signal }) => get<OpSummary[]>('/vnfm/v1/vnf_lcm_op_occs' + query({ filter: `(in,vnfLcmOpOccId,${busy.join(',')})` }), signal),
    enabled: busy.length > 0,
    placeholderData: keepPreviousData,
  })
  const packages = useQuery({ queryKey: ['packages', 'known'], queryFn: ({ signal }) => get<Pkg[]>('/vnfpkgm/v2/vnf_packages', signal), staleTime: 60_000, enabled: session.may('packages:read') })
  const known = (of: (p: Pkg) => string | undefined) => [...new Set((packages.data ?? []).flatMap((p) => of(p) ?? []))]
  const attributes = [
    { name: 'vnfInstanceName', values: vnfs.flatMap((v) => v.vnfInstanceName ?? []).slice(0, 20) },
    { name: 'instantiationState', values: ['INSTANTIATED', 'NOT_INSTANTIATED'] },
    { name: 'vnfState', values: ['STARTED', 'STOPPED'] },
    { name: 'vnfProductName', values: known((p) => p.vnfProductName) },
    { name: 'vnfProvider', values: known((p) => p.vnfProvider) },
    { name: 'vnfSoftwareVersion', values: known((p) => p.vnfSoftwareVersion) },
    { name: 'vnfdId', values: known((p) => p.vnfdId) },
    { name: 'flavourId' },
    { name: 'id', values: vnfs.map((v) => v.id).slice(0, 20) },
    { name: 'leftovers' },
    { name: 'drift/state', values: ['DRIFTED', 'SUSPECT'] },
    { name: 'drift/missing' },
    { name: 'drift/changed' },
    { name: 'drift/orphaned' },
    { name: 'drift/since' },
    { name: 'created' },
    { name: 'updated' },
    { name: 'metadata/' },
  ]
  const opOf = new Map((ops.data ?? []).map((o) => [o.vnfLcmOpOccId, o]))
  const lacks = session.lacks('lcm:write')
  return (
    <>
      <Heading title="VNFs">
        <Button onClick={() => turn({ create: '1' })} disabled={lacks !== ''} title={lacks}>
          Create a VNF
        </Button>
      </Heading>
      <FilterBar value={search.filter ?? ''} plain="vnfInstanceName" attributes={attributes} saved={saved} set={(filter) => turn({ filter: filter || undefined, page: undefined, n: undefined })} />
      {list.isError && <Refusal error={list.error} what="The VNFs could not be listed" retry={() => void list.refetch()} />}
      {list.isPending && <Loading what="Reading the VNFs" />}
      {list.data && vnfs.length === 0 && (
        <Empty
          title={search.filter ? 'No VNF is like that' : 'There is no VNF yet'}
          action={
            search.filter ? (
              <Button variant="default" onClick={() => turn({ filter: undefined, page: undefined, n: undefined })}>
                Show all
              </Button>
            ) : (
              <Button onClick={() => turn({ create: '1' })} disabled={lacks !== ''} title={lacks}>
                Create the first
              </Button>
            )
          }
        >
          {search.filter ? (
            <span className="mono">{search.filter}</span>
          ) : (
            <>
              A VNF is made by the descriptor of a package: onboard one on the page <To to="/packages">Packages</To>, create a VNF by it, then instantiate that. From the command
              line: <span className="mono">vnfm vnf create --vnfd NAME --name fw1</span>
            </>
          )}
        </Empty>
      )}
      {vnfs.length > 0 && (
        <Grid label="VNFs" width={860} stale={list.isPlaceholderData} head={columns.map((c) => <Sortable key={c.head} {...c} now={sort} set={(s) => turn({ sort: s, page: undefined, n: undefined })} />)}>
          {vnfs.map((v) => (
            <Row key={v.id} vnf={v} op={opOf.get(v.operationUnderWay ?? '')} />
          ))}
        </Grid>
      )}
      <Pages search={search} next={list.data?.next} count={vnfs.length} what="VNFs" />
      <Suspense>{search.create && <CreateVnf close={() => turn({ create: undefined })} created={(id) => void turn({ create: undefined }, true).then(() => go(`/vnfs/${id}`))} />}</Suspense>
    </>
  )
}

/** A row changes only with its VNF or its operation. */
const Row = memo(function Row({ vnf: v, op }: { vnf: VnfSummary; op?: OpSummary }) {
  return (
    <tr>
      <td className="name">
        <To to={`/vnfs/${v.id}`}>{v.vnfInstanceName || 'unnamed'}</To>
      </td>
      <td>
        <State state={v.instantiationState} size="sm" /> {v.vnfState === 'STOPPED' && <State state="STOPPED" size="sm" />}
        {v.leftovers > 0 && (
          <div className="small" title="Resources that failed operations left at VIMs">
            {v.leftovers} left over
          </div>
        )}
        {v.drift && (
          <div className="small" title="As its VIMs showed it last">
            <State state={v.drift.state} size="sm" /> {differing(v.drift)}
          </div>
        )}
      </td>
      <td>
        <Under op={op} id={v.operationUnderWay} />
      </td>
      <td>{v.vnfProductName}</td>
      <td>{v.vnfSoftwareVersion}</td>
      <td>{v.vnfcs || ''}</td>
      <td>
        <Time at={v.updated} />
      </td>
      <td>
        <Id id={v.id} />
      </td>
    </tr>
  )
})

export function Sortable({ head, sort, now, set }: { head: string; sort?: string; now: string; set: (sort: string) => void }) {
  if (!sort) return <th>{head}</th>
  const up = now === sort
  const down = now === '-' + sort
  return (
    <th aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}>
      <button type="button" className="sortable" onClick={() => set(up ? '-' + sort : sort)}>
        {head}
        <span aria-hidden>{up ? '▲' : down ? '▼' : '↕'}</span>
      </button>
    </th>
  )
}

/** The operation under way, with how far it got. */
export function Under({ op, id }: { op?: OpSummary; id?: string }) {
  if (!id) return null
  return (
    <To to={`/ops/${id}`}>
      {op ? (
        <>
          {op.operation} <State state={op.operationState} size="sm" />
          <Progress value={op.resources ? (100 * op.done) / op.resources : 0} size="xs" mt={4} aria-label={`${op.done} of ${op.resources} resources done`} color={op.failed ? 'red' : 'blue'} />
        </>
      ) : (
        'under way'
      )}
    </To>
  )
}
