import { Stack, Title } from '@mantine/core'
import type { CpProtocolInfo, Vnf } from '../api/types'
import { Empty } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { Id, Json, To } from '../parts/text'

const addresses = (infos: CpProtocolInfo[] | undefined) =>
  (infos ?? []).flatMap((p) => [...(p.ipOverEthernet?.ipAddresses ?? []).flatMap((a) => a.addresses ?? []), ...(p.ipOverEthernet?.macAddress ? [p.ipOverEthernet.macAddress] : [])]).join(', ')

/** What a VNF consists of, as tables. */
export function Resources({ vnf }: { vnf: Vnf }) {
  const info = vnf.instantiatedVnfInfo
  const states = new Map((info?.vnfcInfo ?? []).map((v) => [v.vnfcResourceInfoId, v]))
  const vim = (id: string | undefined) => (id ? <To to="/vims">{id}</To> : '')
  return (
    <Stack gap="md">
      {!info && <Empty title="Nothing stands">The VNF is not instantiated.</Empty>}
      {info && (
        <>
          <Title order={2} size="h4">
            VNFCs
          </Title>
          <Rows
            label="VNFCs"
            head={['VDU', 'State', 'VNFC', 'Machine at the VIM', 'VIM', 'Zone', 'Connection points']}
            rows={(info.vnfcResourceInfo ?? []).map((v) => [
              v.vduId,
              <State key="s" state={states.get(v.id)?.vnfcState ?? info.vnfState} size="sm" />,
              <Id key="i" id={states.get(v.id)?.id ?? v.id} />,
              <Id key="m" id={v.computeResource.resourceId} />,
              vim(v.computeResource.vimConnectionId),
              v.zoneId ?? '',
              (v.vnfcCpInfo ?? []).map((c) => c.cpdId).join(', '),
            ])}
          />
          <Title order={2} size="h4">
            Internal links
          </Title>
          <Rows
            label="Internal links"
            head={['Link', 'Network at the VIM', 'VIM', 'Ports']}
            rows={(info.vnfVirtualLinkResourceInfo ?? []).map((l) => [
              l.vnfVirtualLinkDescId,
              <Id key="i" id={l.networkResource.resourceId} />,
              vim(l.networkResource.vimConnectionId),
              l.vnfLinkPorts?.length ?? 0,
            ])}
            empty="There is none."
          />
          <Title order={2} size="h4">
            External connection points
          </Title>
          <Rows
            label="External connection points"
            head={['Connection point', 'Addresses', 'Link']}
            rows={(info.extCpInfo ?? []).map((c) => [
              c.cpdId,
              <span key="a" className="mono">
                {addresses(c.cpProtocolInfo)}
              </span>,
              info.extVirtualLinkInfo?.find((l) => l.extLinkPorts?.some((p) => p.cpInstanceId === c.id))?.resourceHandle.resourceId ?? '',
            ])}
            empty="There is none."
          />
          <Title order={2} size="h4">
            Volumes
          </Title>
          <Rows
            label="Volumes"
            head={['Storage', 'Volume at the VIM', 'VIM']}
            rows={(info.virtualStorageResourceInfo ?? []).map((s) => [s.virtualStorageDescId, <Id key="i" id={s.storageResource.resourceId} />, vim(s.storageResource.vimConnectionId)])}
            empty="There is none."
          />
        </>
      )}
      <Title order={2} size="h4">
        Properties
      </Title>
      <Json value={{ vnfConfigurableProperties: vnf.vnfConfigurableProperties, extensions: vnf.extensions, metadata: vnf.metadata, vimConnectionInfo: vnf.vimConnectionInfo }} />
    </Stack>
  )
}
