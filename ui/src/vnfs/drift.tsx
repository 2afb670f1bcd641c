import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/http'
import type { Drift as Differences } from '../api/types'
import { Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { Id } from '../parts/text'

/** In what a VNF differs from what its records say, as its VIMs show it now. Nothing of it is stored: it is looked at on demand. */
export function Drift({ id, not, repair }: { id: string; not: string; repair: () => void }) {
  const drift = useQuery({ queryKey: ['drift', id], queryFn: ({ signal }) => get<Differences>(`/vnfm/v1/vnf_instances/${id}/drift`, signal), staleTime: Infinity, gcTime: 0 })
  if (drift.isError) return <Refusal error={drift.error} what="The VIMs could not be asked" retry={() => void drift.refetch()} />
  const d = drift.data
  if (!d) return <Loading what="Asking the VIMs" />
  return (
    <Stack gap="sm">
      <Note kind={d.inSync ? 'good' : d.differences.length > 0 ? 'warn' : 'info'} title={d.inSync ? 'Nothing differs from the records' : d.differences.length > 0 ? `${d.differences.length} ${d.differences.length === 1 ? 'difference' : 'differences'} from the records` : 'Not every VIM could be looked at'}>
        {d.vims.length === 0 && 'The VNF has nothing at a VIM.'}
        {d.vims.map((v) => (
          <Text key={v.vimConnectionId} size="sm">
            {v.vimConnectionId}: {v.error ?? `${v.found} of ${v.recorded} resources are there`}
            {v.suspect && '. So few that the VIM itself may be ill: a repair must be confirmed'}
          </Text>
        ))}
        {d.operationUnderWay && <Text size="sm">An operation is under way: what differs may be its work.</Text>}
      </Note>
      <Group>
        <Button variant="default" loading={drift.isFetching} onClick={() => void drift.refetch()}>
          Look again
        </Button>
        <Button disabled={not !== '' || d.differences.length === 0} title={not || (d.differences.length === 0 ? 'Nothing differs.' : undefined)} onClick={repair}>
          Repair
        </Button>
      </Group>
      {d.differences.length > 0 && (
        <Rows
          label="Differences"
          head={['Difference', 'Kind', 'Name', 'Attributes: recorded, found', 'VIM', 'At the VIM']}
          rows={d.differences.map((x) => [
            <State key="s" state={x.type.toUpperCase()} size="sm" />,
            x.kind,
            <span key="n" className="wrap">
              {x.name ?? x.vduId ?? ''}
              {x.kept && <div className="small dim">stays: {x.kept}</div>}
            </span>,
            x.fields?.map((f) => (
              <div key={f.attribute} className="wrap">
                {f.attribute}: <span className="mono">{f.recorded}</span>, <b className="mono">{f.found}</b>
              </div>
            )),
            x.vimConnectionId,
            x.resourceId ? <Id key="i" id={x.resourceId} /> : '',
          ])}
        />
      )}
    </Stack>
  )
}
