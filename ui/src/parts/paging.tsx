// Pages of a list that the server cuts. A page is a place in the address, so that a link leads to it.
import { Button, Group, Text } from '@mantine/core'
import { useNavigate, useRouter } from '@tanstack/react-router'

export interface PageSearch {
  /** The server's marker of the page; the first has none. */
  page?: string
  /** Its number, for people. */
  n?: number
}

/** The marker in the path of a next page. */
export const markerOf = (next: string | undefined): string | undefined =>
  next ? (new URLSearchParams(next.split('?')[1] ?? '').get('nextpage_opaque_marker') ?? undefined) : undefined

export function Pages({ search, next, count, what }: { search: PageSearch; next?: string; count: number; what: string }) {
  const go = useNavigate()
  const router = useRouter()
  const n = search.n ?? 1
  if (!next && n === 1) return null
  return (
    <Group justify="space-between" mt="sm" component="nav" aria-label="Pages">
      <Text size="sm" c="var(--dim)">
        Page {n}: {count} {what}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" disabled={n === 1} onClick={() => void go({ to: '.', search: ((s: object) => ({ ...s, page: undefined, n: undefined })) as never })}>
          First
        </Button>
        <Button size="xs" variant="default" disabled={n === 1} onClick={() => router.history.back()}>
          Back
        </Button>
        <Button size="xs" variant="default" disabled={!next} onClick={() => void go({ to: '.', search: ((s: object) => ({ ...s, page: markerOf(next), n: n + 1 })) as never })}>
          Next
        </Button>
      </Group>
    </Group>
  )
}
