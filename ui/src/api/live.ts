// The one event stream of a tab. It follows the whole log, or one VNF's part of it, and goes on where it was when the server
// restarts or the connection breaks (Last-Event-ID): nothing is lost and nothing comes twice.
import { createParser } from 'eventsource-parser'
import { useSyncExternalStore } from 'react'
import { headers, root } from './http'
import type { Event } from './types'

export type Link = { state: 'off' | 'connecting' | 'live' | 'cut'; since: number; detail?: string }

/** How long nothing at all may come before the connection is taken for dead: the server shows a sign of life every 15 s. */
const silence = 40_000

export class Live {
  private link: Link = { state: 'off', since: Date.now() }
  private watchers = new Set<() => void>()
  private listeners = new Set<(e: Event) => void>()
  private again = new Set<() => void>()
  private stop: AbortController | null = null
  private last = ''
  private scope = ''

  /** Follows a VNF, or with "" the whole log. It goes on at the same place of the log. */
  follow(vnf: string) {
    if (this.stop && vnf === this.scope) return
    this.stop?.abort()
    this.scope = vnf
    this.stop = new AbortController()
    void this.run(this.stop.signal)
  }

  end() {
    this.stop?.abort()
    this.stop = null
    this.last = ''
    this.set({ state: 'off', since: Date.now() })
  }

  onEvent(f: (e: Event) => void): () => void {
    this.listeners.add(f)
    return () => this.listeners.delete(f)
  }

  /** Called whenever events may have been missed by what was read before: after the first connection, and after a new one. */
  onConnected(f: () => void): () => void {
    this.again.add(f)
    return () => this.again.delete(f)
  }

  watch = (f: () => void) => {
    this.watchers.add(f)
    return () => this.watchers.delete(f)
  }

  now = () => this.link

  private set(link: Link) {
    if (link.state === this.link.state && link.detail === this.link.detail) return
    this.link = link
    for (const w of this.watchers) w()
  }

  private async run(signal: AbortSignal) {
    for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 8000)) {
      if (this.link.state !== 'cut') this.set({ state: 'connecting', since: Date.now() })
      let detail = 'the server does not answer'
      try {
        await this.read(signal, () => (wait = 250))
        detail = 'the server ended the stream'
      } catch (err) {
        if (err instanceof Error && err.message.startsWith('The server answers')) detail = err.message
        if (err instanceof Error && err.message === 'silent') detail = 'nothing comes any more'
      }
      if (signal.aborted) return
      this.set({ state: 'cut', since: Date.now(), detail })
      await new Promise((r) => setTimeout(r, wait * (0.75 + Math.random() / 2)))
    }
  }

  private async read(outer: AbortSignal, connected: () => void) {
    const inner = new AbortController()
    const stop = () => inner.abort()
    outer.addEventListener('abort', stop)
    let timer = setTimeout(() => inner.abort(new Error('silent')), silence)
    try {
      const more: Record<string, string> = { Accept: 'text/event-stream' }
      if (this.last) more['Last-Event-ID'] = this.last
      const at = root + '/vnfm/v1/events' + (this.scope ? '?vnf=' + encodeURIComponent(this.scope) : '')
      const res = await fetch(at, { headers: headers(more), signal: inner.signal, credentials: 'omit', cache: 'no-store' })
      if (!res.ok || !res.body) {
        if (res.status === 400) this.last = '' // a place in a log that is no more
        throw new Error(`The server answers ${res.status}`)
      }
      this.set({ state: 'live', since: Date.now() })
      connected()
      for (const f of this.again) f()
      const parser = createParser({
        onEvent: (m) => {
          if (m.id) this.last = m.id
          const e = JSON.parse(m.data) as Event
          for (const f of this.listeners) f(e)
        },
      })
      const reader = res.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        clearTimeout(timer)
        timer = setTimeout(() => inner.abort(new Error('silent')), silence)
        parser.feed(value)
      }
    } catch (err) {
      throw inner.signal.aborted && !outer.aborted ? new Error('silent') : err
    } finally {
      clearTimeout(timer)
      outer.removeEventListener('abort', stop)
      inner.abort()
    }
  }
}

export const live = new Live()

/** How the stream is. */
export const useLink = () => useSyncExternalStore(live.watch, live.now)
