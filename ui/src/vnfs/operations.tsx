import { useQuery } from '@tanstack/react-query'
import { all, query } from '../api/http'
import type { OpSummary } from '../api/types'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { lasting, Time, To } from '../parts/text'

/** The operations of a VNF on one axis of time, the newest first. */
export function VnfOperations({ id }: { id: string }) {
  const ops = useQuery({
    queryKey: ['vnf', id, 'ops'],
    queryFn: ({ signal }) => all<OpSummary>('/vnfm/v1/vnf_lcm_op_occs' + query({ filter: `(eq,vnfInstanceId,${id})`, sort: '-startTime' }), 500, signal),
  })
  if (ops.isError) return <Refusal error={ops.error} what="The operations could not be read" />
  if (!ops.data) return <Loading what="Reading the operations" />
  if (ops.data.length === 0) return <Empty title="No operation yet">The first is its instantiation: choose Instantiate under “Do something”.</Empty>
  const begin = Math.min(...ops.data.map((o) => Date.parse(o.startTime)))
  const end = Math.max(...ops.data.map((o) => Date.parse(o.endTime ?? new Date().toISOString())))
  const part = (t: number) => (100 * (t - begin)) / Math.max(1, end - begin)
  return (
    <Rows
      label="Operations"
      head={['Operation', 'State', 'Begun', 'By', 'Took', 'When']}
      rows={ops.data.map((o) => {
        const to = Date.parse(o.endTime ?? new Date().toISOString())
        const from = Date.parse(o.startTime)
        return [
          <To key="o" to={`/ops/${o.vnfLcmOpOccId}`}>
            {o.operation}
          </To>,
          <State key="s" state={o.operationState} size="sm" />,
          <Time key="b" at={o.startTime} />,
          o.startedBy ?? '',
          lasting(to - from),
          <svg key="t" width="220" height="14" role="img" aria-label={`from ${o.startTime} to ${o.endTime ?? 'now'}`}>
            <rect width="220" height="14" fill="var(--idle-bg)" rx="3" />
            <rect x={2.2 * part(from)} width={Math.max(3, 2.2 * (part(to) - part(from)))} height="14" rx="3" fill={o.operationState === 'COMPLETED' ? 'var(--good-line)' : 'var(--bad-line)'} />
          </svg>,
        ]
      })}
    />
  )
}
