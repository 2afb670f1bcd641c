// Requests to the server's public API. Nothing here keeps a cookie: who sends a request is said in its Authorization.

/** Path of the server's root, without a slash at its end: "" unless a proxy serves it deeper. */
export const root = new URL('..', document.baseURI).pathname.replace(/\/$/, '')

/** A refusal of the server (RFC 9457), or its absence (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly attribute?: string,
  ) {
    super(detail)
  }
}

let token: string | null = null
let refused: () => void = () => {}

/** Sets what says who sends requests, and what to do once the server does not take it any more. */
export function authorize(bearer: string | null, whenRefused: () => void) {
  token = bearer
  refused = whenRefused
}

/** Headers that every request has. */
export function headers(more: Record<string, string> = {}): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}`, ...more } : more
}

export interface Reply<T> {
  body: T
  /** Path of the next page of a list. */
  next?: string
  location?: string
}

interface Options {
  body?: unknown
  type?: string
  accept?: string
  signal?: AbortSignal
  /** Makes a repetition of the request have no second effect. */
  key?: string
}

/** Sends a request. A refusal is a Problem; so is a server that does not answer. */
export async function request<T>(method: string, path: string, o: Options = {}): Promise<Reply<T>> {
  const sent: Record<string, string> = { Accept: o.accept ?? 'application/json, application/problem+json' }
  if (o.body !== undefined) sent['Content-Type'] = o.type ?? 'application/json'
  if (o.key) sent['Idempotency-Key'] = o.key
  let res: Response
  try {
    res = await fetch(root + path, {
      method,
      headers: headers(sent),
      body: o.body === undefined ? undefined : JSON.stringify(o.body),
      signal: o.signal,
      credentials: 'omit',
      cache: 'no-store',
    })
  } catch (err) {
    if (o.signal?.aborted) throw err
    throw new Problem(0, 'No answer', 'The server does not answer. The console tries again by itself.')
  }
  if (!res.ok) throw await problemOf(res)
  const text = await res.text()
  const json = (res.headers.get('Content-Type') ?? '').includes('json')
  return {
    body: (text === '' ? undefined : json ? JSON.parse(text) : text) as T,
    next: nextOf(res.headers.get('Link')),
    location: res.headers.get('Location') ?? undefined,
  }
}

async function problemOf(res: Response): Promise<Problem> {
  if (res.status === 401) refused()
  let body: { title?: string; detail?: string; attribute?: string } = {}
  try {
    body = await res.json()
  } catch {
    // not ours: a proxy's
  }
  return new Problem(res.status, body.title ?? res.statusText, body.detail ?? `The server answers ${res.status}.`, body.attribute)
}

/** Path and query of the link to the next page, below the server's root. */
export function nextOf(link: string | null): string | undefined {
  const m = /<([^>]+)>;\s*rel="?next"?/.exec(link ?? '')
  if (!m?.[1]) return undefined
  const u = new URL(m[1], location.href)
  const path = u.pathname + u.search
  return root !== '' && path.startsWith(root) ? path.slice(root.length) : path
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request<T>('GET', path, { signal })).body
}

/** All pages of a list, up to a number of entries. */
export async function all<T>(path: string, most: number, signal?: AbortSignal): Promise<T[]> {
  const out: T[] = []
  for (let at: string | undefined = path; at && out.length < most; ) {
    const page: Reply<T[]> = await request<T[]>('GET', at, { signal })
    out.push(...page.body)
    at = page.next
  }
  return out
}

/** Query string of what is given, "" for nothing. */
export function query(params: Record<string, string | number | boolean | undefined>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== '') q.set(k, String(v))
  const text = q.toString()
  return text && '?' + text
}

/** The last segment of a URI: the id of what it leads to. */
export const idOf = (uri: string | undefined): string => uri?.split('/').pop() ?? ''

/** A text for an encoded path segment. */
export const seg = encodeURIComponent
