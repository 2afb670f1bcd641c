import { Progress } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { memo } from 'react'
import { useTurn, useWords } from '../address'
import { get, query, request } from '../api/http'
import type { OpSummary, VnfSummary } from '../api/types'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { FilterBar } from '../parts/filterbar'
import { Pages, type PageSearch } from '../parts/paging'
import { State } from '../parts/state'
import { Grid } from '../parts/table'
import { first, Id, lasting, Time, To } from '../parts/text'
import { Heading } from '../shell'
import { Sortable } from '../vnfs/list'

interface Search extends PageSearch {
  filter?: string
  sort?: string
}

const states = ['STARTING', 'PROCESSING', 'COMPLETED', 'FAILED_TEMP', 'FAILED', 'ROLLING_BACK', 'ROLLED_BACK']
const saved = [
  { label: 'Under way', filter: '(in,operationState,STARTING,PROCESSING,ROLLING_BACK)' },
  { label: 'Waiting for a decision', filter: '(eq,operationState,FAILED_TEMP)' },
  { label: 'Failed', filter: '(in,operationState,FAILED,ROLLED_BACK)' },
]
const attributes = [
  { name: 'operation', values: ['INSTANTIATE', 'SCALE', 'SCALE_TO_LEVEL', 'HEAL', 'CHANGE_EXT_CONN', 'CHANGE_FLAVOUR', 'CHANGE_VNFPKG', 'OPERATE', 'MODIFY_INFO', 'TERMINATE'] },
  { name: 'operationState', values: states },
  { name: 'startTime' },
  { name: 'vnfInstanceId' },
  { name: 'startedBy' },
  { name: 'vnfLcmOpOccId' },
]

const columns: { head: string; sort?: string }[] = [
  { head: 'Operation', sort: 'operation' },
  { head: 'VNF' },
  { head: 'State' },
  { head: 'Resources' },
  { head: 'Begun', sort: 'startTime' },
  { head: 'Took' },
  { head: 'By' },
  { head: 'Id' },
]

export function OpList() {
  const search = useWords<Search>()
  const turn = useTurn()
  const sort = search.sort ?? '-startTime'
  const list = useQuery({
    queryKey: ['ops', search.filter, sort, search.page],
    queryFn: ({ signal }) =>
      request<OpSummary[]>('GET', '/vnfm/v1/vnf_lcm_op_occs' + (search.page ? query({ nextpage_opaque_marker: search.page }) : query({ filter: search.filter, sort })), { signal }),
    placeholderData: keepPreviousData,
  })
  const ops = list.data?.body ?? []
  const ids = [...new Set(ops.map((o) => o.vnfInstanceId))].sort()
  const vnfs = useQuery({
    queryKey: ['vnfs', 'names', ids],
    queryFn: ({ signal }) => get<VnfSummary[]>('/vnfm/v1/vnf_instances' + query({ filter: `(in,id,${ids.join(',')})` }), signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  })
  const names = new Map((vnfs.data ?? []).map((v) => [v.id, v.vnfInstanceName]))
  return (
    <>
      <Heading title="Operations" />
      <FilterBar value={search.filter ?? ''} plain="operation" attributes={attributes} saved={saved} set={(filter) => turn({ filter: filter || undefined, page: undefined, n: undefined })} />
      {list.isError && <Refusal error={list.error} what="The operations could not be listed" retry={() => void list.refetch()} />}
      {list.isPending && <Loading what="Reading the operations" />}
      {list.data && ops.length === 0 && (
        <Empty title={search.filter ? 'No operation is like that' : 'There was no operation yet'}>
          Operations are what is done to VNFs: instantiate, scale, heal, stop, terminate. Begin one on the page of a <To to="/vnfs">VNF</To>.
        </Empty>
      )}
      {ops.length > 0 && (
        <Grid
          label="Operations"
          width={820}
          stale={list.isPlaceholderData}
          head={columns.map((c) => (
            <Sortable key={c.head} {...c} now={sort} set={(s) => turn({ sort: s, page: undefined, n: undefined })} />
          ))}
        >
          {ops.map((o) => (
            <Row key={o.vnfLcmOpOccId} op={o} name={names.get(o.vnfInstanceId)} />
          ))}
        </Grid>
      )}
      <Pages search={search} next={list.data?.next} count={ops.length} what="operations" />
    </>
  )
}

const Row = memo(function Row({ op: o, name }: { op: OpSummary; name?: string }) {
  return (
    <tr>
      <td>
        <To to={`/ops/${o.vnfLcmOpOccId}`}>{o.operation}</To>
      </td>
      <td className="name">
        <To to={`/vnfs/${o.vnfInstanceId}`}>{name || first(o.vnfInstanceId)}</To>
      </td>
      <td>
        <State state={o.operationState} size="sm" />
        {o.reason && <div className="small dim wrap">{o.reason}</div>}
      </td>
      <td>
        {o.done} of {o.resources}
        <Progress value={o.resources ? (100 * o.done) / o.resources : 0} size="xs" aria-label={`${o.done} of ${o.resources} done`} color={o.failed ? 'red' : 'blue'} />
      </td>
      <td>
        <Time at={o.startTime} />
      </td>
      <td>{lasting(Date.parse(o.endTime ?? new Date().toISOString()) - Date.parse(o.startTime))}</td>
      <td>{o.startedBy}</td>
      <td>
        <Id id={o.vnfLcmOpOccId} />
      </td>
    </tr>
  )
})
