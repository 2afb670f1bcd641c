// What is said while something is read, when it cannot be, and when there is nothing.
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react'
import { useEffect, useState, type ReactNode } from 'react'
import { Problem } from '../api/http'

/** Nothing for a moment, then what is waited for. */
export function Loading({ what }: { what: string }) {
  const [shown, show] = useState(false)
  useEffect(() => {
    const t = setTimeout(() => show(true), 250)
    return () => clearTimeout(t)
  }, [])
  return (
    <Group p="md" gap="sm" role="status" style={{ visibility: shown ? 'visible' : 'hidden' }}>
      <Loader size="sm" aria-hidden />
      <Text>{what}…</Text>
    </Group>
  )
}

const kinds = {
  info: { color: 'blue', tone: 'busy', icon: <IconInfoCircle aria-hidden /> },
  good: { color: 'teal', tone: 'good', icon: <IconCircleCheck aria-hidden /> },
  warn: { color: 'orange', tone: 'warn', icon: <IconAlertTriangle aria-hidden /> },
  bad: { color: 'red', tone: 'bad', icon: <IconAlertTriangle aria-hidden /> },
}

export function Note({ kind, title, children }: { kind: keyof typeof kinds; title?: string; children: ReactNode }) {
  const k = kinds[kind]
  return (
    <Alert color={k.color} icon={k.icon} title={title} role={kind === 'bad' ? 'alert' : 'status'} variant="light" styles={{ title: { color: `var(--${k.tone}-fg)` }, icon: { color: `var(--${k.tone}-fg)` }, message: { color: 'var(--mantine-color-text)' } }}>
      {children}
    </Alert>
  )
}

/** Says why something could not be read or done, in the server's words, and what to do. */
export function Refusal({ error, what, retry, word = 'Try again' }: { error: unknown; what: string; retry?: () => void; word?: string }) {
  const p = error instanceof Problem ? error : undefined
  return (
    <Note kind="bad" title={p && p.status > 0 ? `${what} (${p.status} ${p.title})` : what}>
      <Stack gap="xs" align="flex-start">
        <Text style={{ overflowWrap: 'anywhere' }}>
          {p?.attribute && <b>{p.attribute}: </b>}
          {error instanceof Error ? error.message : String(error)}
        </Text>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            {word}
          </Button>
        )}
      </Stack>
    </Note>
  )
}

/** An empty place that says what would be here and how it comes here. */
export function Empty({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <Text fw={600} size="lg">
        {title}
      </Text>
      <Text component="div" maw={560} c="var(--dim)">
        {children}
      </Text>
      {action}
    </Stack>
  )
}
