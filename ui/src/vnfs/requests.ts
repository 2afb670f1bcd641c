// The bodies of requests for operations, made of what a form says.
import type { Flavour, Vnf } from '../api/types'

/** How an external connection point is to be connected. */
export interface Connect {
  cpdId: string
  /** The network's id at its VIM; "" leaves the connection to the grant. */
  network: string
  /** A fixed address; "" lets the VIM choose. */
  address: string
}

/** The external connection points that somebody may connect. */
export const externals = (f: Flavour | undefined): string[] => [...new Set((f?.cps ?? []).filter((c) => c.external && c.vduId).map((c) => c.cpdId))]

/** The key of the configuration that each external connection point has now. */
export const keysOf = (vnf: Vnf): Record<string, string> =>
  Object.fromEntries((vnf.instantiatedVnfInfo?.extCpInfo ?? []).flatMap((c) => (c.cpConfigId ? [[c.cpdId, c.cpConfigId]] : [])))

/** extVirtualLinks of a request: one link for each network, with the connection points on it. keys are those of configurations there are. */
export function extVirtualLinks(connects: Connect[], id: (n: number) => string = (n) => `ext-${n}`, keys: Record<string, string> = {}) {
  const byNetwork = new Map<string, Connect[]>()
  for (const c of connects) if (c.network.trim()) byNetwork.set(c.network.trim(), [...(byNetwork.get(c.network.trim()) ?? []), c])
  const links = [...byNetwork].map(([resourceId, on], n) => ({
    id: id(n + 1),
    resourceId,
    extCps: on.map((c) => ({
      cpdId: c.cpdId,
      cpConfig: {
        [keys[c.cpdId] ?? c.cpdId]: {
          cpProtocolData: [
            {
              layerProtocol: 'IP_OVER_ETHERNET',
              ipOverEthernet: {
                ipAddresses: [c.address.trim() ? { type: c.address.includes(':') ? 'IPV6' : 'IPV4', fixedAddresses: [c.address.trim()] } : { type: 'IPV4', numDynamicAddresses: 1 }],
              },
            },
          ],
        },
      },
    })),
  }))
  return links.length > 0 ? links : undefined
}

/** What a merge patch says of an attribute so that it becomes what is wanted; nothing when it is that. Of names that are given, others stay. */
export function patchOf(attribute: string, have: Record<string, unknown> | undefined, want: Record<string, unknown> | undefined, names?: string[]): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const name of names ?? new Set([...Object.keys(have ?? {}), ...Object.keys(want ?? {})])) {
    const [old, now] = [have?.[name], want?.[name]]
    if (JSON.stringify(old) !== JSON.stringify(now)) patch[name] = now === undefined ? null : now
  }
  return Object.keys(patch).length > 0 ? { [attribute]: patch } : {}
}
