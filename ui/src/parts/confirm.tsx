// A question before something is done, which names what it is done to.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRef, type ReactNode } from 'react'
import { Dialog } from './dialog'
import { Refusal } from './feedback'
import { Id } from './text'

export interface Question {
  title: string
  /** What will be done, and to what. */
  body: ReactNode
  /** The word on the button. */
  word: string
  danger?: boolean
  /** The same from the command line. */
  cli?: string
  /** Why it cannot be done yet; "" when it can. */
  not?: string
  /** Does it. The key makes a repetition have no second effect. */
  run: (key: string) => Promise<unknown>
}

export function Confirm({ question, close }: { question: Question | null; close: () => void }) {
  const kept = useRef<Question | null>(null)
  if (question) kept.current = question
  const q = question ?? kept.current
  const key = useRef('')
  const act = useMutation({
    mutationFn: () => q!.run((key.current ||= crypto.randomUUID())),
    onSuccess: () => done(),
  })
  const done = () => {
    key.current = ''
    act.reset()
    close()
  }
  return (
    <Dialog opened={question !== null} close={done} title={q?.title} size="lg">
      {q && (
        <Stack>
          {q.body}
          {q.cli && (
            <Text size="sm" c="var(--dim)">
              From the command line: <Id id={q.cli} whole />
            </Text>
          )}
          {act.isError && <Refusal error={act.error} what="It was not done" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={done}>
              Do nothing
            </Button>
            <Button className={q.danger ? 'danger' : undefined} loading={act.isPending} onClick={() => act.mutate()} disabled={!!q.not} title={q.not}>
              {q.word}
            </Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  )
}
