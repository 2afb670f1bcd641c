// Events as a story: what happened, in the words of the CLI.
import type { Event } from '../api/types'
import type { Tone } from '../parts/state'

export interface Told {
  tone: Tone
  sign: string
  what: string
  said: string
}

const text = (data: Record<string, unknown> | undefined, ...path: string[]): string => {
  let v: unknown = data
  for (const name of path) v = (v as Record<string, unknown> | undefined)?.[name]
  return v === undefined || v === null || typeof v === 'object' ? '' : String(v)
}
const count = (data: Record<string, unknown> | undefined, name: string, of: string): string => {
  const n = Array.isArray(data?.[name]) ? data[name].length : 0
  return n === 1 ? `1 ${of}` : `${n} ${of}s`
}
const join = (...parts: string[]) => parts.filter((p) => p !== '').join(', ')
const words = (name: string) => name.replaceAll('-', ' ').replace(/^./, (c) => c.toUpperCase())

interface Counts {
  missing?: number
  changed?: number
  orphaned?: number
  unsure?: number
  suspect?: boolean
  state?: string
  repairGivenUp?: boolean
}

/** What differs of a VNF, in few words. */
export const differing = (n: Counts): string =>
  join(
    ...(['missing', 'changed', 'orphaned', 'unsure'] as const).map((what) => (n[what] ? `${n[what]} ${what}` : '')),
    n.suspect || n.state === 'SUSPECT' ? 'VIM suspect' : '',
    n.repairGivenUp ? 'repair given up' : '',
  )

/** What of an event's data matters most; "" for nothing. */
export function said(e: Event): string {
  const d = e.data
  switch (e.type) {
    case 'vnf.instance-created':
      return join(text(d, 'name'), text(d, 'productName'), text(d, 'softwareVersion'))
    case 'vnf.operation-begun':
    case 'vnf.operation-rolled-back':
      return text(d, 'operation')
    case 'vnf.instantiated':
      return count(d, 'resources', 'resource')
    case 'vnf.scaled': {
      const levels = (d?.scaleStatus as { aspectId: string; scaleLevel: number }[] | undefined) ?? []
      return join(`${count(d, 'resources', 'resource')} made`, `${count(d, 'released', 'resource')} released`, ...levels.map((l) => `${l.aspectId} ${l.scaleLevel}`))
    }
    case 'vnf.healed':
      return join(`${count(d, 'changed', 'resource')} made again`, text(d, 'cause'))
    case 'vnf.drifted':
      return join(text(d, 'vimConnectionId'), differing((d?.found ?? {}) as Counts))
    case 'vnf.pods-observed':
      return join(text(d, 'vimConnectionId'), `${count(d, 'units', 'workload')} with other pods`)
    case 'vnf.drift-ended':
      return text(d, 'vimConnectionId')
    case 'vnf.terminated':
    case 'vnf.cleanup-ended':
      return `${count(d, 'released', 'resource')} released`
    case 'vnf.operation-failed':
    case 'vnf.leftovers-found':
      return join(text(d, 'operation'), `${count(d, 'leftovers', 'resource')} left over`)
    case 'opocc.started':
      return join(text(d, 'operation'), `on failure: ${text(d, 'policy')}`)
    case 'opocc.refused':
    case 'opocc.failed-temporarily':
      return text(d, 'error', 'detail')
    case 'opocc.rollback-begun':
      return text(d, 'byPolicy') === 'true' ? 'by policy' : 'by an operator'
    case 'opocc.cancel-requested':
      return text(d, 'cancelMode')
    case 'opocc.resource-reserved':
      return join(text(d, 'kind'), text(d, 'resourceHandle', 'resourceId'))
    case 'opocc.resource-released':
    case 'opocc.resource-undone':
      return text(d, 'kind')
    case 'opocc.warned':
      return text(d, 'text')
    case 'opocc.progressed': {
      const items = (d?.items as { step: string; id: string; state: string; attempt?: number; reason?: string }[] | undefined) ?? []
      return items.map((i) => join(`${i.step} ${i.id.slice(0, 8)} ${i.state}`, (i.attempt ?? 1) > 1 ? `attempt ${i.attempt}` : '', i.reason ?? '')).join('; ')
    }
    case 'pkg.upload-failed':
      return text(d, 'reason')
    case 'pkg.onboarding-failed':
      return text(d, 'detail')
    case 'pkg.onboarded':
      return join(text(d, 'productName'), text(d, 'softwareVersion'))
    case 'pkg.operational-state-changed':
      return text(d, 'operationalState')
  }
  return ''
}

/** Tells an event to people. */
export function tell(e: Event): Told {
  const name = e.type.slice(e.type.indexOf('.') + 1)
  let tone: Tone = 'idle'
  let sign = '•'
  if (/(failed|refused|failed-temporarily|leftovers-found)$/.test(name)) [tone, sign] = ['bad', '✗']
  else if (/^(completed|instantiated|scaled|healed|terminated|onboarded|granted|resource-reserved|cleanup-ended|drift-ended)$/.test(name)) [tone, sign] = ['good', '✓']
  else if (/(begun|^started|^retried|^progressed)$/.test(name)) [tone, sign] = ['busy', '▸']
  else if (name === 'drifted') [tone, sign] = ['warn', '!']
  else if (/(rolled-back|resource-undone)$/.test(name)) [tone, sign] = ['warn', '↺']
  else if (/(deleted|released)$/.test(name)) [tone, sign] = ['idle', '⌫']
  return { tone, sign, what: words(name), said: said(e) }
}

/** Who brought an event about: a caller, or the program on an operation's behalf. */
export const who = (e: Event): string => (e.actor ? (e.role ? `${e.actor} (${e.role})` : e.actor) : 'vnfm')

/** The trace of an event, "" without one: the second part of a W3C traceparent. */
export const traceOf = (e: Pick<Event, 'traceparent'>): string => e.traceparent?.split('-')[1] ?? ''
