// What an event makes stale is read again: at most once per interval, and never while the last reading is still under way.
import type { QueryClient, QueryFilters } from '@tanstack/react-query'
import type { Live } from './live'
import type { Event } from './types'

const interval = 400

/** The keys of what an event makes stale. */
export function staleBy(e: Pick<Event, 'stream' | 'data'>): string[][] {
  const cut = e.stream.indexOf('-')
  const kind = e.stream.slice(0, cut)
  const id = e.stream.slice(cut + 1)
  switch (kind) {
    case 'vnf':
      return [['vnf', id], ['vnfs']]
    case 'opocc':
      return [['op', id], ['ops']]
    case 'pkg':
      return [['package', id], ['packages']]
    case 'sub':
      return [['subscriptions']]
    case 'mgmt':
      return [['site', 'management']]
  }
  return [['site']]
}

/** How long one slow reading may keep others from being begun anew. */
const patience = 5000

/** Reads again what is shown. A first reading that is under way is only joined by that, and may be of before the event: it is read once more. */
async function reread(queries: QueryClient, filter: QueryFilters) {
  const joined = new Set(queries.getQueryCache().findAll(filter).filter((q) => q.state.fetchStatus === 'fetching' && q.state.data === undefined))
  await queries.invalidateQueries(filter)
  if (joined.size > 0) await queries.invalidateQueries({ predicate: (q) => joined.has(q) })
}

/** Keeps what was read fresh by the event stream. */
export function keepFresh(queries: QueryClient, live: Pick<Live, 'onEvent' | 'onConnected'>) {
  const stale = new Map<string, string[]>()
  let running = false
  async function renew() {
    if (running) return
    running = true
    while (stale.size > 0) {
      await new Promise((r) => setTimeout(r, interval))
      const keys = [...stale.values()]
      stale.clear()
      const slow = new Promise((r) => setTimeout(r, patience))
      await Promise.race([Promise.all(keys.map((queryKey) => reread(queries, { queryKey }))), slow])
    }
    running = false
  }
  live.onEvent((e) => {
    for (const key of staleBy(e)) stale.set(key.join(' '), key)
    void renew()
  })
  // Who one is, and how one signs in, comes by no event.
  live.onConnected(() => void reread(queries, { predicate: (q) => !['caller', 'sign-in'].includes(String(q.queryKey[0])) }))
}
