// What an address says, and how it changes.
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'

export type Words = Record<string, string | number | undefined>

export const useWords = <T extends object = Words>(): T => useSearch({ strict: false }) as unknown as T
export const useIdOfAddress = (): string => (useParams({ strict: false }) as { id?: string }).id ?? ''

/** Changes words of the address; undefined takes one out. Wait for it before going elsewhere: of two moves at once one is made. */
export function useTurn(): (change: Words, replace?: boolean) => Promise<void> {
  const go = useNavigate()
  return (change, replace = false) =>
    go({ to: '.', search: ((old: Words) => ({ ...old, ...change })) as never, replace, resetScroll: false })
}

export function useGoTo(): (to: string) => void {
  const go = useNavigate()
  return (to) => void go({ to: to as never })
}
