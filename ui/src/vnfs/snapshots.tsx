import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { all, idOf, query, request } from '../api/http'
import type { Plan, Snapshot, Vnf } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Loading, Note, Refusal } from '../parts/feedback'
import { Rows } from '../parts/table'
import { first, Id, Time } from '../parts/text'
import { PlanView } from './plan'

/** The snapshots of a VNF: taken, gone back to, deleted. */
export function Snapshots({ vnf, not, lacks, begun }: { vnf: Vnf; not: string; lacks: string; begun: (op: string) => void }) {
  const queries = useQueryClient()
  const [question, ask] = useState<Question | null>(null)
  const list = useQuery({
    queryKey: ['vnf', vnf.id, 'snapshots'],
    queryFn: ({ signal }) => all<Snapshot>('/vnflcm/v2/vnf_snapshots' + query({ filter: `(eq,vnfSnapshot/vnfInstanceId,${vnf.id})` }), 1000, signal),
  })
  const name = vnf.vnfInstanceName || first(vnf.id)
  const again = () => queries.invalidateQueries({ queryKey: ['vnf', vnf.id] })
  const take = (): Question => ({
    title: `Take a snapshot of ${name}`,
    word: `Take a snapshot of ${name}`,
    cli: `vnfm vnf snapshot ${vnf.vnfInstanceName || vnf.id}`,
    body: <Text>The disks of its machines, and its storages, are kept as they are now. Its machines go on. The VNF cannot be deleted while it has snapshots.</Text>,
    run: async (key) => {
      const info = (await request<Snapshot>('POST', '/vnflcm/v2/vnf_snapshots', { body: {}, key: key + '-info' })).body
      try {
        const r = await request('POST', `/vnflcm/v2/vnf_instances/${vnf.id}/create_snapshot`, { body: { vnfSnapshotInfoId: info.id }, key })
        begun(idOf(r.location))
      } catch (err) {
        await request('DELETE', `/vnflcm/v2/vnf_snapshots/${info.id}`).catch(() => {}) // nothing was taken into it
        throw err
      }
    },
  })
  const revert = (s: Snapshot): Question => ({
    title: `Revert ${name}`,
    word: `Revert ${name}`,
    danger: true,
    cli: `vnfm vnf revert ${vnf.vnfInstanceName || vnf.id} ${s.id}`,
    body: (
      <>
        <Text>
          The VNF <b>{name}</b> becomes what it was at the snapshot {first(s.id)}. What its machines and storages hold since then is lost.
        </Text>
        <WouldDo vnf={vnf.id} snapshot={s.id} />
      </>
    ),
    run: async (key) => {
      const r = await request('POST', `/vnflcm/v2/vnf_instances/${vnf.id}/revert_to_snapshot`, { body: { vnfSnapshotInfoId: s.id }, key })
      begun(idOf(r.location))
    },
  })
  const remove = (s: Snapshot): Question => ({
    title: `Delete the snapshot ${first(s.id)}`,
    word: `Delete the snapshot of ${name}`,
    danger: true,
    cli: `vnfm snapshot delete ${s.id}`,
    body: (
      <Text>
        The snapshot {first(s.id)} of the VNF <b>{name}</b> goes, with what is kept for it at VIMs.
      </Text>
    ),
    run: (key) => request('DELETE', `/vnflcm/v2/vnf_snapshots/${s.id}`, { key }).then(again),
  })
  if (list.isError) return <Refusal error={list.error} what="The snapshots could not be read" retry={() => void list.refetch()} />
  if (!list.data) return <Loading what="Reading the snapshots" />
  return (
    <Stack gap="sm">
      <Group>
        <Button disabled={not !== ''} title={not} onClick={() => ask(take())}>
          Take a snapshot
        </Button>
        {not && <Text size="sm">{not}</Text>}
      </Group>
      {list.data.length === 0 && <Note kind="info" title="There is no snapshot">A snapshot keeps what the machines and storages of the VNF hold, so that it can go back to that.</Note>}
      {list.data.length > 0 && (
        <Rows
          label="Snapshots"
          head={['Taken', 'Id', 'VNFD', '']}
          rows={list.data.map((s) => [
            <Time key="t" at={s.vnfSnapshot?.creationFinishedAt} />,
            <Id key="i" id={s.id} />,
            <Id key="d" id={s.vnfSnapshot?.vnfdId ?? ''} />,
            <Group key="b" gap={4} wrap="nowrap">
              <Button size="compact-xs" variant="default" disabled={not !== ''} title={not} onClick={() => ask(revert(s))}>
                Revert
              </Button>
              <Button size="compact-xs" variant="default" disabled={lacks !== ''} title={lacks} onClick={() => ask(remove(s))}>
                Delete
              </Button>
            </Group>,
          ])}
        />
      )}
      <Confirm question={question} close={() => ask(null)} />
    </Stack>
  )
}

function WouldDo({ vnf, snapshot }: { vnf: string; snapshot: string }) {
  const plan = useQuery({
    queryKey: ['plan', vnf, snapshot],
    queryFn: async () => (await request<Plan>('POST', `/vnfm/v1/vnf_instances/${vnf}/plan`, { body: { operation: 'REVERT_TO_SNAPSHOT', request: { vnfSnapshotInfoId: snapshot } } })).body,
    gcTime: 0,
  })
  if (plan.isError) return <Refusal error={plan.error} what="It would be refused" />
  return plan.data ? <PlanView plan={plan.data} /> : <Loading what="Planning" />
}
