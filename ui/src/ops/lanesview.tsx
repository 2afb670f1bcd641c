import { UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useRef } from 'react'
import { signOf, toneOf } from '../parts/state'
import { lasting } from '../parts/text'
import { ticks, type Bar, type BarState, type Lane } from './lanes'
import './lanes.css'

const signs: Record<BarState, string> = { sent: '▸', done: '✓', failed: '✗', undoing: '◂', undone: '↺', 'undo failed': '✗', waiting: '…' }
const row = 26

interface Props {
  lanes: Lane[]
  from: number
  to: number
  /** The present, while the operation is under way. */
  now?: number
  ahead?: { at: number; says: string }
  chosen?: string
  related: Set<string>
  choose: (bar: Bar, lane: Lane) => void
}

/** The swim lanes. Only those in sight are drawn. */
export function Lanes({ lanes, from, to, now, ahead, chosen, related, choose }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({ count: lanes.length, getScrollElement: () => box.current, estimateSize: () => row, overscan: 12 })
  const end = Math.max(to, ahead && ahead.at - from < (to - from) * 4 ? ahead.at : to)
  const part = (t: number) => (100 * (t - from)) / (end - from)
  const marks = ticks(from, end, 8).filter((m) => m <= 0.96 * (end - from))
  return (
    <div className="lanes">
      <div className="lane axis" aria-hidden>
        <div className="lane-name">resource</div>
        <div className="lane-time">
          {marks.map((m) => (
            <span key={m} style={{ left: `${part(from + m)}%` }}>
              {m === 0 ? '0' : lasting(m)}
            </span>
          ))}
        </div>
      </div>
      <div ref={box} className="lanes-box" role="table" aria-label={`${lanes.length} lanes`} aria-rowcount={lanes.length} tabIndex={0}>
        <div style={{ height: rows.getTotalSize(), position: 'relative' }} role="rowgroup">
          {rows.getVirtualItems().map((v) => (
            <Row key={lanes[v.index]!.key} lane={lanes[v.index]!} top={v.start} index={v.index} from={from} end={end} now={now} chosen={chosen} related={related} choose={choose} newStage={v.index > 0 && lanes[v.index - 1]!.stage !== lanes[v.index]!.stage} />
          ))}
          <div className="lanes-over" aria-hidden>
            {now !== undefined && <div className="lanes-now" style={{ left: `${part(now)}%` }} title="now" />}
            {ahead && ahead.at <= end && <div className="lanes-ahead" style={{ left: `${part(ahead.at)}%` }} title={ahead.says} />}
          </div>
        </div>
      </div>
    </div>
  )
}

interface RowProps {
  lane: Lane
  top: number
  index: number
  from: number
  end: number
  now?: number
  chosen?: string
  related: Set<string>
  newStage: boolean
  choose: (bar: Bar, lane: Lane) => void
}

const Row = memo(function Row({ lane, top, index, from, end, now, chosen, related, choose, newStage }: RowProps) {
  const part = (t: number) => Math.max(0, Math.min(100, (100 * (t - from)) / (end - from)))
  const tone = toneOf(lane.state)
  return (
    <div className={`lane${newStage ? ' stage' : ''}`} style={{ position: 'absolute', top, left: 0, right: 0, height: row }} role="row" aria-rowindex={index + 1}>
      <div className="lane-name" role="rowheader" title={`${lane.kind} ${lane.name}: ${lane.state}${lane.reason ? ' – ' + lane.reason : ''}`}>
        <span className="lane-state" style={{ color: `var(--${tone}-fg)` }}>
          <span aria-hidden>{signOf(lane.state)}</span>
          <span className="hidden">{lane.state}</span>
        </span>{' '}
        <span className="dim lane-kind">{lane.kind}</span> {lane.name}
      </div>
      <div className="lane-time" role="cell">
        {lane.bars.map((b) => {
          const left = part(b.from)
          const width = part(b.to ?? now ?? end) - left
          return b.state === 'waiting' ? (
            <div key={b.key} className="bar waiting" style={{ left: `${left}%`, width: `${width}%` }} title={b.says} />
          ) : (
            <UnstyledButton
              key={b.key}
              className={`bar ${b.state.replace(' ', '-')}${chosen === b.key ? ' chosen' : ''}${related.has(b.key) ? ' related' : ''}`}
              style={{ left: `${left}%`, width: `max(${width}%, 14px)` }}
              aria-label={`${lane.kind} ${lane.name}: ${b.says}`}
              aria-pressed={chosen === b.key}
              title={b.says}
              onClick={() => choose(b, lane)}
            >
              <span aria-hidden>{signs[b.state]}</span>
              {(b.attempt?.attempt ?? 1) > 1 && <span aria-hidden> {b.attempt!.attempt}</span>}
            </UnstyledButton>
          )
        })}
      </div>
    </div>
  )
})
