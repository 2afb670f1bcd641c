import { Progress, Table } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useTurn, useWords } from '../address'
import { get, query, request } from '../api/http'
import type { OpSummary, VnfSummary } from '../api/types'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { FilterBar } from '../parts/filterbar'
import { Pages, type PageSearch } from '../parts/paging'
import { State } from '../parts/state'
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
  { name: 'operation', values: ['INSTANTIATE', 'SCALE', 'SCALE_TO_LEVEL', 'HEAL', 'OPERATE', 'MODIFY_INFO', 'TERMINATE'] },
  { name: 'operationState', values: states },
  { name: 'startTime' },
  { name: 'vnfInstanceId' },
  { name: 'startedBy' },
  { name: 'vnfLcmOpOccId' },
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
          Operations are what is done to VNFs: instantiate, scale, heal, stop, terminate. Begin one on the page of a <To {...({ to: '/vnfs' } as object)}>VNF</To>.
        </Empty>
      )}
      {ops.length > 0 && (
        <Table.ScrollContainer minWidth={820} scrollAreaProps={{ viewportProps: { tabIndex: 0, 'aria-label': 'Operations', role: 'region' } } as object}>
          <Table aria-label="Operations" highlightOnHover verticalSpacing={6} style={{ opacity: list.isPlaceholderData ? 0.6 : 1 }}>
            <Table.Thead>
              <Table.Tr>
                <Sortable head="Operation" sort="operation" now={sort} set={(s) => turn({ sort: s, page: undefined, n: undefined })} />
                <Table.Th>VNF</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Resources</Table.Th>
                <Sortable head="Begun" sort="startTime" now={sort} set={(s) => turn({ sort: s, page: undefined, n: undefined })} />
                <Table.Th>Took</Table.Th>
                <Table.Th>By</Table.Th>
                <Table.Th>Id</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {ops.map((o) => (
                <Table.Tr key={o.vnfLcmOpOccId}>
                  <Table.Td>
                    <To {...({ to: `/ops/${o.vnfLcmOpOccId}` } as object)}>{o.operation}</To>
                  </Table.Td>
                  <Table.Td>
                    <To {...({ to: `/vnfs/${o.vnfInstanceId}` } as object)}>{names.get(o.vnfInstanceId) || first(o.vnfInstanceId)}</To>
                  </Table.Td>
                  <Table.Td>
                    <State state={o.operationState} size="sm" />
                    {o.reason && <div className="dim wrap" style={{ fontSize: 12 }}>{o.reason}</div>}
                  </Table.Td>
                  <Table.Td>
                    {o.done} of {o.resources}
                    <Progress value={o.resources ? (100 * o.done) / o.resources : 0} size="xs" aria-label={`${o.done} of ${o.resources} done`} color={o.failed ? 'red' : 'blue'} />
                  </Table.Td>
                  <Table.Td>
                    <Time at={o.startTime} />
                  </Table.Td>
                  <Table.Td>{lasting(Date.parse(o.endTime ?? new Date().toISOString()) - Date.parse(o.startTime))}</Table.Td>
                  <Table.Td>{o.startedBy}</Table.Td>
                  <Table.Td>
                    <Id id={o.vnfLcmOpOccId} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Pages search={search} next={list.data?.next} count={ops.length} what="operations" />
    </>
  )
}
