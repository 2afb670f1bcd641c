// What can be decided about an operation, and what each decision would do, told by what the saga did so far.
import type { Op, Saga } from '../api/types'
import type { Lane } from './lanes'

export type Decision = 'retry' | 'rollback' | 'fail' | 'cancel'

export interface Option {
  decision: Decision
  word: string
  /** Why it cannot be done; "" when it can. */
  not: string
  /** What it would do. */
  does: string[]
  danger?: boolean
}

/** "2 ports, 1 network" */
export function counted(lanes: Lane[]): string {
  const n = new Map<string, number>()
  for (const l of lanes) n.set(l.kind || l.step, (n.get(l.kind || l.step) ?? 0) + 1)
  return [...n].map(([kind, c]) => `${c} ${kind}${c === 1 ? '' : 's'}`).join(', ')
}

export function options(op: Op, saga: Saga | undefined, lanes: Lane[], lacks: string): Option[] {
  const held = op.operationState === 'FAILED_TEMP'
  const final = ['COMPLETED', 'FAILED', 'ROLLED_BACK'].includes(op.operationState)
  const resources = lanes.filter((l) => l.item !== '' && l.kind !== 'configuration')
  const stand = resources.filter((l) => ['DONE', 'UNKNOWN', 'STUCK', 'UNDOING'].includes(l.state))
  const failed = lanes.filter((l) => ['FAILED', 'UNKNOWN'].includes(l.state))
  const pending = lanes.filter((l) => l.state === 'PENDING')
  const ended = final ? `The operation is ${op.operationState}: it has ended.` : ''
  const notHeld = held ? '' : `It can be done when the operation waits for a decision (FAILED_TEMP); it is ${op.operationState}.`
  const undo = saga?.undoBegun ?? false
  return [
    {
      decision: 'retry', word: 'Retry',
      not: lacks || ended || notHeld || (op._links.retry ? '' : 'Its undo has begun: it can only be rolled back or failed.'),
      does: [failed.length ? `${counted(failed)} that failed: tried again.` : 'It goes on where it stopped.', pending.length ? `${counted(pending)} not begun: done after that.` : '', 'What is done stays as it is.'].filter(Boolean),
    },
    {
      decision: 'rollback', word: 'Roll back', danger: true,
      not: lacks || ended || notHeld || (op._links.rollback ? '' : 'It cannot be undone: what it released is gone.'),
      does: [stand.length ? `${counted(stand)}: undone, the last first.` : 'Nothing stands that would be undone.', op.operation === 'INSTANTIATE' ? 'The VNF is NOT_INSTANTIATED again.' : 'The VNF is what it was before.'],
    },
    {
      decision: 'fail', word: 'Give up', danger: true,
      not: lacks || ended || notHeld || (op._links.fail ? '' : 'It cannot be given up now.'),
      does: [
        'Nothing more is done at any VIM: the operation ends as FAILED, and cannot be taken up again.',
        op.operation === 'INSTANTIATE' && stand.length ? `${counted(stand)} stay there as left over: clean up releases them.` : 'The VNF is what it is by now.',
      ],
    },
    {
      decision: 'cancel', word: 'Cancel', danger: true,
      not: lacks || ended || (held ? 'It is not under way: it waits for a decision.' : '') || (op._links.cancel ? '' : op.isCancelPending ? 'It is being cancelled already.' : 'It cannot be cancelled now.'),
      does: [undo ? 'Its undo stops, and the operation waits for a decision.' : 'No more commands are sent. The operation then waits for a decision (FAILED_TEMP), or ends when it had not begun.'],
    },
  ]
}
