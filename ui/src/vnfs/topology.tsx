import '@xyflow/react/dist/style.css'
import dagre from '@dagrejs/dagre'
import { useComputedColorScheme } from '@mantine/core'
import { Background, Controls, Handle, Position, ReactFlow, type Edge as FlowEdge, type Node as FlowNode, type NodeProps } from '@xyflow/react'
import { useMemo } from 'react'
import { signOf, toneOf } from '../parts/state'
import type { Node, Picture } from './picture'

const kinds: Record<Node['kind'], { sign: string; word: string }> = {
  vnfc: { sign: '▣', word: 'VNFC' },
  pod: { sign: '⬡', word: 'pod' },
  unit: { sign: '❖', word: 'object' },
  vdu: { sign: '▣', word: 'VDU' },
  network: { sign: '⇄', word: 'network' },
  external: { sign: '☁', word: 'external link' },
  volume: { sign: '⛁', word: 'volume' },
  port: { sign: '◦', word: 'port' },
}
const width = 190
const heightOf = (n: Node) => (n.kind === 'port' ? 46 : 78)

function Box({ data }: NodeProps<FlowNode<{ node: Node }>>) {
  const n = data.node
  const tone = n.state ? toneOf(n.state) : 'idle'
  return (
    <div
      style={{
        width, minHeight: heightOf(n), padding: '6px 10px', borderRadius: ['vnfc', 'pod', 'vdu'].includes(n.kind) ? 6 : 18, background: n.state ? `var(--${tone}-bg)` : 'var(--panel)',
        color: n.state ? `var(--${tone}-fg)` : 'var(--mantine-color-text)', border: `2px ${n.kind === 'external' ? 'dashed' : 'solid'} var(--${n.state ? tone + '-line' : 'plain-line'})`, fontSize: 12,
      }}
    >
      <Handle type="target" position={Position.Top} style={{ opacity: 0 }} isConnectable={false} />
      <div style={{ fontWeight: 700, fontSize: 13, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }} title={n.label}>
        <span aria-hidden>{kinds[n.kind].sign} </span>
        {n.label}
        {n.count ? ` × ${n.count}` : ''}
      </div>
      {n.state && (
        <div style={{ fontWeight: 600 }}>
          <span aria-hidden>{signOf(n.state)} </span>
          {n.state}
        </div>
      )}
      {n.more.map((m) => (
        <div key={m} style={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }} title={m}>
          {m}
        </div>
      ))}
      {n.vim && <div>at {n.vim}</div>}
      <Handle type="source" position={Position.Bottom} style={{ opacity: 0 }} isConnectable={false} />
    </div>
  )
}

const types = { box: Box }

/** Draws a picture. Those who do not see it have the tables beside it. */
export function Topology({ picture, label }: { picture: Picture; label: string }) {
  const scheme = useComputedColorScheme('light')
  const shape = picture.nodes.map((n) => n.id).join() + picture.edges.map((e) => e.from + e.to).join()
  const above = new Set(picture.nodes.filter((n) => n.kind === 'external').map((n) => n.id))
  for (const e of picture.edges) if (above.has(e.to)) above.add(e.from)
  const kindOf = new Map(picture.nodes.map((n) => [n.id, n.kind]))
  // External links are above the machines, with their ports between; what is inside is below.
  const turned = (e: { from: string; to: string }): [string, string] =>
    kindOf.get(e.to) === 'external' || (kindOf.get(e.to) === 'port' && above.has(e.to)) ? [e.to, e.from] : [e.from, e.to]
  const places = useMemo(() => {
    const g = new dagre.graphlib.Graph({ multigraph: true })
    g.setGraph({ rankdir: 'TB', nodesep: 30, ranksep: 46 })
    g.setDefaultEdgeLabel(() => ({}))
    for (const n of picture.nodes) g.setNode(n.id, { width, height: heightOf(n) })
    for (const e of picture.edges) {
      if (!g.hasNode(e.from) || !g.hasNode(e.to)) continue
      const [from, to] = turned(e)
      g.setEdge(from, to, {}, e.id)
    }
    dagre.layout(g)
    return new Map(picture.nodes.map((n) => [n.id, g.node(n.id) as { x: number; y: number }]))
    // The places depend on the shape only: what changes its state stays where it is.
  }, [shape])
  const nodes: FlowNode<{ node: Node }>[] = picture.nodes.map((n) => ({
    id: n.id, type: 'box', data: { node: n }, draggable: true, ariaLabel: `${kinds[n.kind].word} ${n.label}${n.state ? ', ' + n.state : ''}${n.vim ? ', at ' + n.vim : ''}`,
    position: { x: (places.get(n.id)?.x ?? 0) - width / 2, y: (places.get(n.id)?.y ?? 0) - heightOf(n) / 2 },
  }))
  const edges: FlowEdge[] = picture.edges.map((e) => {
    const [source, target] = turned(e)
    return {
      id: e.id, source, target, label: e.label, type: 'default', focusable: false,
      labelStyle: { fontSize: 10, fill: 'var(--mantine-color-text)' }, labelBgStyle: { fill: 'var(--mantine-color-body)', fillOpacity: 0.85 }, style: { stroke: 'var(--idle-line)' },
    }
  })
  return (
    <div style={{ height: 'min(62vh, 640px)', border: '1px solid var(--plain-line)', borderRadius: 8 }} role="group" aria-label={label}>
      <ReactFlow
        key={shape}
        nodes={nodes}
        edges={edges}
        nodeTypes={types}
        fitView
        fitViewOptions={{ padding: 0.1, maxZoom: 1.1 }}
        minZoom={0.1}
        colorMode={scheme}
        nodesConnectable={false}
        edgesFocusable={false}
        proOptions={{ hideAttribution: false }}
        preventScrolling={false}
        zoomOnScroll={false}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  )
}
