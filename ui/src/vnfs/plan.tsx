import { Stack, Text } from '@mantine/core'
import type { Plan, PlanStep } from '../api/types'
import { Note } from '../parts/feedback'
import { Rows } from '../parts/table'

const signs: Record<PlanStep['action'], string> = { create: '+', change: '~', replace: '-/+', release: '-', configure: '>' }
const doing: Record<PlanStep['action'], string> = { create: 'create', change: 'change', replace: 'release and create anew', release: 'release', configure: 'configure' }

export function summary(p: Plan): string {
  const c = p.counts
  return `${c.create} to create, ${c.change} to change, ${c.replace} to replace, ${c.release} to release`
}

/** What an operation would do. */
export function PlanView({ plan }: { plan: Plan }) {
  const shown = plan.steps.slice(0, 300)
  return (
    <Stack gap="xs">
      <Text fw={600}>{summary(plan)}</Text>
      <Text size="sm">
        {plan.policy === 'rollback' ? 'A failure is rolled back by itself.' : 'A failure waits for an operator.'}
        {!plan.reversible && ' It cannot be rolled back: what is gone is not brought back.'}
      </Text>
      {plan.warnings.map((w) => (
        <Note key={w} kind="warn">
          {w}
        </Note>
      ))}
      <div style={{ maxHeight: 320, overflow: 'auto' }} tabIndex={0} role="region" aria-label="Steps">
        <Rows
          label="Steps of the plan"
          head={['Stage', 'What', 'Resource', 'Name', 'Where']}
          rows={shown.map((s) => [
            s.stage,
            <span key="a">
              <span className="mono" aria-hidden>
                {signs[s.action]}{' '}
              </span>
              {doing[s.action]}
              {s.why?.length ? ` (${s.why.join(', ')})` : ''}
            </span>,
            s.kind,
            s.name,
            s.vimConnectionId ?? '',
          ])}
          empty="Nothing would be done."
        />
        {plan.steps.length > shown.length && <Text size="sm">and {plan.steps.length - shown.length} more</Text>}
      </div>
    </Stack>
  )
}
