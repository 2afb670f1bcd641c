import { Stack, Title } from '@mantine/core'
import type { Op, Progress, ResourceChange } from '../api/types'
import { Empty } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { Id, Json, lasting, Time } from '../parts/text'

const kinds: Record<string, string> = { affectedVnfcs: 'VNFC', affectedVirtualLinks: 'network', affectedExtLinkPorts: 'port', affectedVirtualStorages: 'volume' }
const of = (r: ResourceChange) => r.vduId ?? r.vnfVirtualLinkDescId ?? r.virtualLinkDescId ?? r.virtualStorageDescId ?? ''
const handle = (r: ResourceChange) => r.computeResource ?? r.networkResource ?? r.storageResource

/** What an operation changed, whom it was coordinated with, and how the VNF was told. */
export function Outcome({ op, progress }: { op: Op; progress?: Progress }) {
  const changes = Object.entries(op.resourceChanges ?? {}).flatMap(([kind, all]) => all.map((r) => [kinds[kind] ?? kind, r] as const))
  const told = (progress?.resources ?? []).filter((r) => r.kind === 'configuration')
  const coordinations = op.lcmCoordinations ?? []
  const rejected = op.rejectedLcmCoordinations ?? []
  const info = op.changedInfo ?? op.modificationsTriggeredByVnfPkgChange
  if (changes.length + told.length + coordinations.length + rejected.length === 0 && !info && !op.changedExtConnectivity?.length)
    return <Empty title="Nothing is changed yet">Here is what the operation changes, as soon as it does: resources, connections, what the VNF is told, and whom it is coordinated with.</Empty>
  return (
    <Stack gap="sm">
      {coordinations.length + rejected.length > 0 && (
        <>
          <Title order={2} size="h4">
            Coordinated with the VNF or its element manager
          </Title>
          <Rows
            label="Coordinations"
            head={['Action', 'With', 'Result', 'Begun', 'Took', 'Asked again']}
            rows={[
              ...coordinations.map((c) => [
                c.coordinationActionName,
                c.endpointType === 'MGMT' ? 'its element manager' : 'the VNF',
                <State key="s" state={c.coordinationResult ?? 'RUNNING'} size="sm" />,
                <Time key="b" at={c.startTime} />,
                c.endTime ? lasting(Date.parse(c.endTime) - Date.parse(c.startTime)) : '',
                <Time key="d" at={c.delay} />,
              ]),
              ...rejected.map((c) => [
                c.coordinationActionName,
                c.endpointType === 'MGMT' ? 'its element manager' : 'the VNF',
                <State key="s" state="REJECTED" size="sm" />,
                <Time key="b" at={c.rejectionTime} />,
                '',
                <Time key="d" at={c.delay} />,
              ]),
            ]}
          />
        </>
      )}
      {told.length > 0 && (
        <>
          <Title order={2} size="h4">
            Told to the VNF
          </Title>
          <Rows
            label="Configuration"
            head={['What', 'State', 'Attempts', 'Why']}
            rows={told.map((r) => [`configuration of ${r.name}`, <State key="s" state={r.state} size="sm" />, r.attempt, r.reason ?? ''])}
          />
        </>
      )}
      {changes.length > 0 && (
        <>
          <Title order={2} size="h4">
            Resources
          </Title>
          <Rows
            label="Resource changes"
            head={['Change', 'Kind', 'Of', 'Resource', 'At the VIM', 'VIM']}
            rows={changes.slice(0, 500).map(([kind, r]) => [
              r.changeType.toLowerCase().replaceAll('_', ' '),
              kind,
              of(r),
              <Id key="i" id={r.id} />,
              handle(r)?.resourceId ? <Id key="h" id={handle(r)!.resourceId} /> : '',
              handle(r)?.vimConnectionId ?? '',
            ])}
          />
          {changes.length > 500 && <p>and {changes.length - 500} more</p>}
        </>
      )}
      {info && (
        <>
          <Title order={2} size="h4">
            Of the VNF’s record
          </Title>
          <Json value={info} />
        </>
      )}
      {(op.changedExtConnectivity?.length ?? 0) > 0 && (
        <>
          <Title order={2} size="h4">
            External connectivity
          </Title>
          <Json value={op.changedExtConnectivity} />
        </>
      )}
    </Stack>
  )
}
