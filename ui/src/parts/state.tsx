// States are told by a word and a sign, and by a colour besides: never by a colour alone.

export type Tone = 'good' | 'busy' | 'bad' | 'warn' | 'idle'

const tones: Record<string, Tone> = {
  INSTANTIATED: 'good', NOT_INSTANTIATED: 'idle', STARTED: 'good', STOPPED: 'warn',
  STARTING: 'busy', PROCESSING: 'busy', COMPLETED: 'good', FAILED_TEMP: 'bad', FAILED: 'bad', ROLLING_BACK: 'busy', ROLLED_BACK: 'warn',
  PENDING: 'idle', RUNNING: 'busy', DONE: 'good', UNKNOWN: 'warn', SKIPPED: 'idle', UNDOING: 'busy', UNDONE: 'warn', STUCK: 'bad',
  CREATED: 'idle', UPLOADING: 'busy', ONBOARDED: 'good', ERROR: 'bad', ENABLED: 'good', DISABLED: 'warn', IN_USE: 'good', NOT_IN_USE: 'idle',
  GRANTED: 'good', REJECTED: 'bad', DELIVERED: 'good', WAITING: 'busy', GIVEN_UP: 'bad', COMPENSATING: 'busy', COMPENSATED: 'warn', SUSPENDED: 'bad', DELETED: 'idle', MISSING: 'bad', DRIFTED: 'warn', SUSPECT: 'bad', OPEN: 'bad', HALF_OPEN: 'busy', PAUSED: 'warn', CHANGED: 'warn', ORPHANED: 'warn', UNSURE: 'warn', CONTINUE: 'good', ABORT: 'bad', CANCELLED: 'warn', LIVES: 'good', DIED: 'bad',
}

const signs: Record<Tone, string> = { good: '✓', busy: '▸', bad: '✗', warn: '!', idle: '·' }

export const toneOf = (state: string): Tone => tones[state] ?? 'idle'
export const signOf = (state: string): string => (state === 'ROLLED_BACK' || state === 'UNDONE' || state === 'COMPENSATED' ? '↺' : signs[toneOf(state)])

/** A state. Lists have hundreds: it is one plain element. */
export function State({ state, size = 'md' }: { state: string; size?: 'sm' | 'md' | 'lg' }) {
  const tone = toneOf(state)
  return (
    <span className={`state state-${size}`} data-tone={tone}>
      <span aria-hidden>{signOf(state)}</span>
      <span>{state}</span>
    </span>
  )
}
