// A VNF as nodes and links: what stands, and what an operation under way makes, changes and releases of it.
import type { Flavour, Info, ResourceProgress, Vnf } from '../api/types'

export interface Node {
  id: string
  kind: 'vnfc' | 'pod' | 'unit' | 'network' | 'external' | 'volume' | 'vdu' | 'port'
  label: string
  /** Lines below the label. */
  more: string[]
  vim?: string
  /** Its state: of the VNFC, or in the operation under way. */
  state?: string
  count?: number
}

/** A pod as the VIM knows it: kind, namespace, name and uid. */
export const podOf = (resourceId: string): { namespace: string; name: string } | undefined => {
  const m = /^Pod\.v1\/([^/]+)\/([^/]+)\/[^/]+$/.exec(resourceId)
  return m ? { namespace: m[1]!, name: m[2]! } : undefined
}

export interface Edge {
  id: string
  from: string
  to: string
  label?: string
  /** The port at the VIM that it goes by. */
  port?: string
}

export interface Picture {
  nodes: Node[]
  edges: Edge[]
}

const isVnfc = (n: Node) => n.kind === 'vnfc' || n.kind === 'pod'

/** Beyond so many VNFCs a VDU is one node, and beyond so many ports they are lines. */
export const tooMany = 40

const addresses = (cps: { cpProtocolInfo?: { ipOverEthernet?: { ipAddresses?: { addresses?: string[] }[] } }[] } | undefined): string =>
  (cps?.cpProtocolInfo ?? []).flatMap((p) => p.ipOverEthernet?.ipAddresses ?? []).flatMap((a) => a.addresses ?? []).join(', ')

/** The picture of a VNF as it is, with the progress of an operation on it. */
export function pictureOf(vnf: Vnf, progress: ResourceProgress[] = [], flavour?: Flavour): Picture {
  const now = new Map(progress.map((r) => [r.id, r]))
  const info = vnf.instantiatedVnfInfo
  const out = info ? standing(info, now) : { nodes: [], edges: [] }
  const seen = new Set(out.nodes.map((n) => n.id))
  const coming = progress.filter((r) => !seen.has(r.id) && ['compute', 'unit', 'network', 'volume'].includes(r.kind) && !(r.state === 'UNDONE' || r.state === 'SKIPPED') && !(r.kind === 'unit' && info && r.state !== 'RUNNING'))
  for (const r of coming)
    out.nodes.push({ id: r.id, kind: r.kind === 'compute' ? 'vnfc' : (r.kind as 'unit' | 'network' | 'volume'), label: r.name, more: r.reason ? [r.reason] : [], state: r.state })
  // A port that is coming is known by its name: that of its machine, and of its connection point.
  const machines = coming.filter((r) => r.kind === 'compute')
  for (const p of progress.filter((r) => r.kind === 'port' && r.state !== 'UNDONE')) {
    const m = machines.find((c) => p.name.startsWith(c.name + '-'))
    if (!m) continue
    const link = flavour?.cps.find((c) => c.cpdId === p.name.slice(m.name.length + 1))?.virtualLinkDescId
    const to = link && out.nodes.find((n) => n.kind === 'network' && (n.label === link || n.label.endsWith('-' + link)))
    if (to) out.edges.push({ id: p.id, from: m.id, to: to.id, label: p.name.slice(m.name.length + 1) })
  }
  if (out.nodes.filter((n) => isVnfc(n)).length > tooMany) return folded(out, info)
  return out.edges.filter((e) => e.label).length > tooMany ? out : withPorts(out, now)
}

/** The picture with a node for each port, between its machine and its network. */
function withPorts(p: Picture, now: Map<string, ResourceProgress>): Picture {
  const nodes = [...p.nodes]
  const edges: Edge[] = []
  for (const e of p.edges) {
    if (!e.label) {
      edges.push(e)
      continue
    }
    const [label, ...more] = e.label.split(' ')
    const state = now.get(e.port ?? e.id)?.state
    nodes.push({ id: 'port ' + e.id, kind: 'port', label: label!, more: more.length ? [more.join(' ')] : [], state: state === 'DONE' || state === 'PENDING' ? undefined : state })
    edges.push({ id: e.id, from: e.from, to: 'port ' + e.id }, { id: e.id + ' net', from: 'port ' + e.id, to: e.to })
  }
  return { nodes, edges }
}

function standing(info: Info, now: Map<string, ResourceProgress>): Picture {
  const nodes: Node[] = []
  const edges: Edge[] = []
  const change = (id: string): string | undefined => {
    const s = now.get(id)?.state
    return s === 'DONE' || s === 'PENDING' ? undefined : s
  }
  const states = new Map((info.vnfcInfo ?? []).map((v) => [v.vnfcResourceInfoId, v.vnfcState]))
  const portNetwork = new Map<string, string>()
  for (const l of info.vnfVirtualLinkResourceInfo ?? []) {
    nodes.push({ id: l.id, kind: 'network', label: l.vnfVirtualLinkDescId, more: ['internal link'], vim: l.networkResource.vimConnectionId, state: change(l.id) })
    for (const p of l.vnfLinkPorts ?? []) portNetwork.set(p.id, l.id)
  }
  const cpNetwork = new Map<string, string>()
  for (const l of info.extVirtualLinkInfo ?? []) {
    nodes.push({ id: l.id, kind: 'external', label: l.resourceHandle.resourceId, more: ['external link'], vim: l.resourceHandle.vimConnectionId })
    for (const p of l.extLinkPorts ?? []) if (p.cpInstanceId) cpNetwork.set(p.cpInstanceId, l.id)
  }
  for (const s of info.virtualStorageResourceInfo ?? [])
    nodes.push({ id: s.id, kind: 'volume', label: s.virtualStorageDescId, more: ['volume'], vim: s.storageResource.vimConnectionId, state: change(s.id) })
  const ext = new Map((info.extCpInfo ?? []).map((c) => [c.id, c]))
  for (const v of info.vnfcResourceInfo ?? []) {
    const cps = v.vnfcCpInfo ?? []
    const pod = podOf(v.computeResource.resourceId)
    nodes.push({
      id: v.id, kind: pod ? 'pod' : 'vnfc', label: v.vduId, vim: v.computeResource.vimConnectionId, state: change(v.id) ?? states.get(v.id),
      more: pod ? [pod.name, `namespace ${pod.namespace}`] : [v.id.slice(0, 8) + (v.zoneId ? ` in ${v.zoneId}` : '')],
    })
    for (const s of v.storageResourceIds ?? []) edges.push({ id: `${v.id}-${s}`, from: v.id, to: s })
    for (const c of cps) {
      const e = ext.get(c.vnfExtCpId ?? '')
      const to = portNetwork.get(c.vnfLinkPortId ?? '') ?? cpNetwork.get(c.vnfExtCpId ?? '')
      if (to) edges.push({ id: c.id, from: v.id, to, label: [c.cpdId, addresses(c) || addresses(e)].filter(Boolean).join(' '), port: c.vnfLinkPortId ?? e?.extLinkPortId })
    }
  }
  for (const c of ext.values()) {
    const to = cpNetwork.get(c.id)
    if (to && c.associatedVnfVirtualLinkId) edges.push({ id: c.id, from: c.associatedVnfVirtualLinkId, to, label: c.cpdId })
  }
  return { nodes, edges }
}

/** A large VNF with one node for each VDU. */
function folded(p: Picture, info?: Info): Picture {
  const vduOf = new Map((info?.vnfcResourceInfo ?? []).map((v) => [v.id, v.vduId]))
  const group = (id: string) => {
    const n = p.nodes.find((x) => x.id === id)
    return n && isVnfc(n) ? 'vdu ' + (vduOf.get(id) ?? n.label.replace(/-\d+$/, '')) : n?.kind === 'volume' ? 'volume ' + n.label.replace(/-\d+-/, '-') : id
  }
  const groups = new Map(p.nodes.map((n) => [n.id, group(n.id)]))
  const nodes = new Map<string, Node>()
  for (const n of p.nodes) {
    const id = groups.get(n.id)!
    const g = nodes.get(id)
    if (!g) nodes.set(id, id === n.id ? n : { ...n, id, kind: isVnfc(n) ? 'vdu' : n.kind, label: id.slice(id.indexOf(' ') + 1), more: [], count: 1 })
    else g.count = (g.count ?? 1) + 1
  }
  const edges = new Map<string, Edge>()
  for (const e of p.edges) {
    const [from, to] = [groups.get(e.from), groups.get(e.to)]
    if (from && to) edges.set(from + to, { id: from + to, from, to, label: e.label?.split(' ')[0] })
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}

/** A descriptor's flavour as a picture. */
export function pictureOfFlavour(f: Flavour): Picture {
  const nodes: Node[] = []
  const edges: Edge[] = []
  for (const l of f.virtualLinks) nodes.push({ id: l.vnfVirtualLinkDescId, kind: 'network', label: l.vnfVirtualLinkDescId, more: l.cidrs })
  for (const s of f.storages) nodes.push({ id: 'storage ' + s.virtualStorageDescId, kind: 'volume', label: s.virtualStorageDescId, more: [`${s.sizeBytes / 2 ** 30} GiB`] })
  for (const v of f.vdus) {
    nodes.push({ id: v.vduId, kind: 'vdu', label: v.vduId, more: [`${v.min} to ${v.max}`, `${v.vcpus} vCPU, ${v.memoryBytes / 2 ** 30} GiB`] })
    for (const s of v.storages) edges.push({ id: v.vduId + s, from: v.vduId, to: 'storage ' + s })
  }
  for (const c of f.cps) {
    if (c.external && !nodes.some((n) => n.id === 'ext ' + c.cpdId)) nodes.push({ id: 'ext ' + c.cpdId, kind: 'external', label: c.cpdId, more: ['external'] })
    const to = c.external ? 'ext ' + c.cpdId : c.virtualLinkDescId
    const from = c.vduId ?? c.virtualLinkDescId
    if (from && to) edges.push({ id: c.cpdId, from, to, label: c.external ? undefined : c.cpdId })
  }
  return { nodes, edges }
}
