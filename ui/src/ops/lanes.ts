// An operation as swim lanes: a lane for each resource, in it a bar for each attempt.
import type { Attempt, Progress, Saga } from '../api/types'

export type BarState = 'sent' | 'done' | 'failed' | 'undoing' | 'undone' | 'undo failed' | 'waiting'

export interface Bar {
  key: string
  from: number
  /** undefined: it lasts. */
  to?: number
  state: BarState
  attempt?: Attempt
  /** What it is, to people. */
  says: string
}

export interface Lane {
  key: string
  step: string
  item: string
  kind: string
  name: string
  state: string
  stage: number
  reason?: string
  bars: Bar[]
  due?: number
}

const at = (t: string | undefined): number | undefined => (t ? Date.parse(t) : undefined)

function barOf(a: Attempt): Bar {
  const undo = a.direction === 'undo'
  const state: BarState =
    a.state === 'SENT' || (!a.replied && a.state !== 'FAILED' && a.state !== 'SUCCEEDED') ? (undo ? 'undoing' : 'sent') : a.state === 'SUCCEEDED' ? (undo ? 'undone' : 'done') : undo ? 'undo failed' : 'failed'
  return { key: a.commandId, from: Date.parse(a.sent), to: at(a.replied), state, attempt: a, says: `${undo ? 'undo' : a.step}, attempt ${a.attempt}: ${state}${a.reason ? ': ' + a.reason : ''}` }
}

/** The lanes of an operation, in the order in which it was planned. */
export function lanesOf(saga: Saga, progress?: Progress): Lane[] {
  const lanes = new Map<string, Lane>()
  const keyOf = (step: string, item: string | undefined) => `${step} ${item ?? ''}`
  const lane = (step: string, item: string | undefined): Lane => {
    const key = keyOf(step, item)
    let l = lanes.get(key)
    if (!l) lanes.set(key, (l = { key, step, item: item ?? '', kind: item ? '' : step, name: item ? item.slice(0, 8) : step, state: 'PENDING', stage: -1, bars: [] }))
    return l
  }
  for (const s of saga.stages ?? []) for (const i of s.items) if (!i.item) lane(i.step, undefined)
  for (const r of progress?.resources ?? []) Object.assign(lane(r.step, r.id), { kind: r.kind, name: r.name, state: r.state, reason: r.reason })
  for (const s of saga.stages ?? [])
    for (const i of s.items) {
      const l = lane(i.step, i.item)
      l.stage = s.index
      l.due = at(i.due)
      l.reason ??= i.cause?.reason
      if (!i.item || l.state === 'PENDING') l.state = i.state === 'SENT' ? 'RUNNING' : i.state
      if (i.state === 'STUCK') l.state = 'STUCK'
    }
  for (const a of saga.attempts ?? []) {
    const l = lane(a.step, a.item)
    const last = l.bars.at(-1)
    if (last?.to && a.attempt > 1 && last.attempt?.direction === a.direction && last.state.includes('failed'))
      l.bars.push({ key: a.commandId + ' wait', from: last.to, to: Date.parse(a.sent), state: 'waiting', says: 'wait before the next attempt' })
    l.bars.push(barOf(a))
  }
  for (const l of lanes.values()) {
    const last = l.bars.at(-1)
    if (l.due && last?.to && l.due > last.to && last.state.includes('failed')) l.bars.push({ key: l.key + ' wait', from: last.to, to: l.due, state: 'waiting', says: 'waits for its next attempt' })
  }
  return [...lanes.values()]
}

/** The commands whose answers came in the commit that sent this one, and those that its answer led to. */
export function chain(all: Attempt[], a: Attempt): { before: Attempt[]; after: Attempt[] } {
  const same = (x: string | undefined, y: string | undefined) => x !== undefined && x === y
  return { before: all.filter((x) => same(x.replied, a.sent)), after: a.replied ? all.filter((x) => same(x.sent, a.replied)) : [] }
}

/** The ends of the axis of time. */
export function axis(lanes: Lane[], started: number, ended: number | undefined, now: number): [number, number] {
  let last = ended ?? now
  for (const l of lanes) for (const b of l.bars) if (b.to && b.to > last) last = b.to
  return [started, Math.max(last, started + 100)]
}

/** Round steps of time for so many marks at most: 1, 2 or 5 of a power of ten, in ms; then minutes and hours. */
export function ticks(from: number, to: number, most: number): number[] {
  const long = to - from
  const steps = [...[1, 2, 5, 10, 20, 50, 100, 200, 500], ...[1, 2, 5, 10, 15, 30].map((s) => s * 1000), ...[1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440].map((m) => m * 60_000)]
  const step = steps.find((s) => long / s <= most) ?? long / most
  return Array.from({ length: Math.floor(long / step) + 1 }, (_, i) => i * step)
}
