import { Group, Select, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { get, query } from '../api/http'
import type { Difference, Event } from '../api/types'
import { Loading, Refusal } from '../parts/feedback'
import { Rows } from '../parts/table'
import { Time } from '../parts/text'
import { tell } from './story'

const shown = (v: unknown) => (v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v, null, 1))

function Value({ value, tone }: { value: unknown; tone: 'good' | 'bad' }) {
  if (value === undefined) return null
  return (
    <pre tabIndex={0} className="mono" style={{ margin: 0, padding: 4, whiteSpace: 'pre-wrap', maxHeight: 150, overflow: 'auto', background: `var(--${tone}-bg)`, color: `var(--${tone}-fg)` }}>
      {shown(value)}
    </pre>
  )
}

/** The difference of two moments, side by side. */
export function Changes({ id, moments, from, to, set }: { id: string; moments: Event[]; from?: number; to?: number; set: (c: { from?: number; at?: number }) => void }) {
  const newest = moments.at(-1)?.version
  const end = to ?? newest
  const begin = from ?? moments.findLast((m) => end !== undefined && m.version < end)?.version ?? 1
  const diff = useQuery({
    queryKey: ['vnf', id, 'diff', begin, end],
    queryFn: ({ signal }) => get<Difference>(`/vnfm/v1/vnf_instances/${id}/diff` + query({ from: begin, to: end }), signal),
    placeholderData: keepPreviousData,
    enabled: end !== undefined,
  })
  const options = moments.map((m) => ({ value: String(m.version), label: `#${m.version} ${new Date(m.time).toLocaleString()} ${tell(m).what}` }))
  return (
    <Stack gap="sm">
      <Group grow>
        <Select label="From" data={options} value={String(begin)} allowDeselect={false} searchable onChange={(v) => set({ from: Number(v) })} />
        <Select label="To" data={options} value={String(end)} allowDeselect={false} searchable onChange={(v) => set({ at: Number(v) === newest ? undefined : Number(v) })} />
      </Group>
      {diff.isError && <Refusal error={diff.error} what="The difference could not be read" />}
      {diff.isPending && <Loading what="Comparing" />}
      {diff.data && (
        <>
          <Text size="sm">
            {diff.data.changes.length} changes between <Time at={diff.data.from.time} /> and <Time at={diff.data.to.time} />
          </Text>
          <Rows
            label="Changes"
            head={['Change', 'Attribute', 'Before', 'After']}
            rows={diff.data.changes.map((c) => [
              <span key="o">
                <span aria-hidden className="mono">
                  {{ added: '+ ', removed: '- ', changed: '~ ' }[c.op]}
                </span>
                {c.op}
              </span>,
              <span key="p" className="mono wrap">
                {c.path}
              </span>,
              <Value key="f" value={c.from} tone="bad" />,
              <Value key="t" value={c.to} tone="good" />,
            ])}
            empty="Nothing differs."
          />
        </>
      )}
    </Stack>
  )
}
