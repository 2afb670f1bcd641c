// Who uses the console. A token is kept in this tab's session storage and nowhere else: it ends with the tab, and no other site
// can make use of it.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { authorize, get, Problem } from './api/http'
import { live } from './api/live'
import type { Caller, SignIn as Ways } from './api/types'
import { Loading, Refusal } from './parts/feedback'
import { SignIn } from './signin'

export type Permission = 'lcm:read' | 'lcm:write' | 'packages:read' | 'packages:write' | 'site:read' | 'site:operate' | 'site:administer'

interface Session {
  caller: Caller
  may(p: Permission): boolean
  /** Why a permission is missing; "" when it is there. */
  lacks(p: Permission): string
  signOut(): void
  /** Somebody signed in here, so that there is somebody to sign out. */
  signedIn: boolean
}

const Context = createContext<Session | null>(null)

export function useSession(): Session {
  const s = useContext(Context)
  if (!s) throw new Error('no session')
  return s
}

const slot = 'vnfm.token'

/** When a JWT ends, in ms; undefined for other tokens. */
export function endOf(token: string): number | undefined {
  try {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: number }
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}

/** Asked before anything is drawn. */
export const howToSignIn = { queryKey: ['sign-in'], queryFn: ({ signal }: { signal?: AbortSignal }) => get<Ways>('/vnfm/v1/sign_in', signal), staleTime: Infinity }

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [token, setToken] = useState(() => sessionStorage.getItem(slot))
  const [why, setWhy] = useState('')
  const leave = useCallback(
    (reason: string) => {
      sessionStorage.removeItem(slot)
      live.end()
      authorize(null, () => {})
      setWhy(reason)
      setToken(null)
      queries.clear()
    },
    [queries],
  )
  const enter = useCallback((t: string) => {
    sessionStorage.setItem(slot, t)
    setWhy('')
    setToken(t)
  }, [])
  authorize(token, () => token && leave('The session has ended: the server does not take the token any more.'))
  useEffect(() => {
    const end = token ? endOf(token) : undefined
    if (end === undefined) return
    const t = setTimeout(() => leave('The session has ended: the token was good until now.'), Math.max(0, Math.min(end - Date.now(), 2 ** 31 - 1)))
    return () => clearTimeout(t)
  }, [token, leave])
  const ways = useQuery(howToSignIn)
  const caller = useQuery({
    queryKey: ['caller', token],
    queryFn: ({ signal }) => get<Caller>('/vnfm/v1/caller', signal),
    enabled: ways.isSuccess && (token !== null || !ways.data.required),
    retry: (n, err) => n < 3 && !(err instanceof Problem && (err.status === 401 || err.status === 403)),
    staleTime: 60_000,
  })
  const session = useMemo<Session | null>(() => {
    if (!caller.data) return null
    const lacks = (p: Permission) => (caller.data.permissions.includes(p) ? '' : `This needs the permission ${p}, which ${caller.data.roles.join(', ') || 'no role'} does not have.`)
    return { caller: caller.data, may: (p) => lacks(p) === '', lacks, signOut: () => leave('You have signed out.'), signedIn: token !== null }
  }, [caller.data, leave, token])
  useEffect(() => {
    if (session?.may('site:read')) live.follow('')
  }, [session])

  if (ways.isError) return <Refusal error={ways.error} what="How to sign in could not be read" retry={() => void ways.refetch()} />
  if (!ways.data) return <Loading what="Asking the server how to sign in" />
  if (ways.data.required && token === null) return <SignIn ways={ways.data} why={why} enter={enter} />
  if (caller.isError) {
    return <Refusal error={caller.error} what="You are not let in" retry={() => (token === null ? void caller.refetch() : leave(''))} word="Sign in again" />
  }
  if (!session) return <Loading what="Asking the server who you are" />
  return <Context.Provider value={session}>{children}</Context.Provider>
}
