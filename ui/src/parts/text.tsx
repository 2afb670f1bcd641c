// Small things that are read everywhere: identifiers, times, numbers, values.
import { Code } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'
import { useEffect, useState, type MouseEvent, type ReactNode } from 'react'

/** The beginning of an identifier, by which people and the CLI know it. */
export const first = (id: string | undefined): string => (id ?? '').slice(0, /^[0-9a-f]{8}/.test(id ?? '') ? 8 : 20)

/** An identifier: short to see, whole when it is copied by a click. */
export function Id({ id, whole }: { id: string; whole?: boolean }) {
  const [copied, set] = useState(false)
  const copy = () =>
    void navigator.clipboard?.writeText(id).then(() => {
      set(true)
      setTimeout(() => set(false), 1500)
    })
  return (
    <>
      <button type="button" className="id" onClick={copy} title={`Copy ${id}`} aria-label={`${whole ? id : first(id)}: copy ${whole ? 'it' : id}`}>
        {whole ? id : first(id)}
      </button>
      <span aria-live="polite" className="copied">
        {copied ? ' copied' : ''}
      </span>
    </>
  )
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })

export const utcOf = (t: string | number | Date): string => new Date(t).toISOString().replace('T', ' ').replace('Z', ' UTC')

/** A time, local; in UTC on hover and to screen readers' title. */
export function Time({ at, short }: { at: string | undefined; short?: boolean }) {
  if (!at) return null
  return (
    <time dateTime={at} title={utcOf(at)} className="nums">
      {(short ? clock : local).format(new Date(at))}
    </time>
  )
}

/** How long something takes, for people: 350 ms, 4.2 s, 3 min 5 s, 2 h 10 min. */
export function lasting(ms: number): string {
  if (ms < 0) ms = 0
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

/** Bytes for people. */
export function bytes(n: number): string {
  for (const [unit, size] of [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]] as const) if (n >= size) return `${+(n / size).toFixed(1)} ${unit}`
  return `${n} B`
}

/** Renders again every so often, and returns the time. */
export function useNow(every: number | null): number {
  const [now, set] = useState(() => Date.now())
  useEffect(() => {
    if (every === null) return
    const t = setInterval(() => set(Date.now()), every)
    return () => clearInterval(t)
  }, [every])
  return every === null ? Date.now() : now
}

export function Json({ value }: { value: unknown }) {
  return (
    <Code block tabIndex={0} style={{ maxHeight: 420, overflow: 'auto' }}>
      {JSON.stringify(value, null, 2)}
    </Code>
  )
}

/** A link within the console. Lists have hundreds: it is one plain element. */
export function To({ to, search, children }: { to: string; search?: Record<string, string | number>; children: ReactNode }) {
  const router = useRouter()
  const target = { to, search } as never
  const go = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return // another tab, or a menu
    e.preventDefault()
    void router.navigate(target)
  }
  return (
    <a className="to" href={router.basepath.replace(/\/$/, '') + to + (search ? router.options.stringifySearch(search) : '')} onClick={go} onMouseEnter={() => void router.preloadRoute(target)}>
      {children}
    </a>
  )
}
