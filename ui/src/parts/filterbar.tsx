import { Autocomplete, Button, Group } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { completions, filterOf, type Attribute } from './filter'

/** The filter of a list: plain words, or the language of SOL013 with completion. */
export function FilterBar({ value, plain, attributes, saved, set }: { value: string; plain: string; attributes: Attribute[]; saved: { label: string; filter: string }[]; set: (filter: string) => void }) {
  const [text, type] = useState(value)
  useEffect(() => type(value), [value])
  return (
    <Group gap="xs" mb="sm" role="search" align="flex-end">
      <form
        style={{ flex: '1 1 280px' }}
        onSubmit={(e) => {
          e.preventDefault()
          e.currentTarget.querySelector('input')?.blur() // what could come next is not asked for any more
          set(filterOf(text, plain))
        }}
      >
        <Autocomplete
          label="Filter"
          placeholder={`Part of a name, or (eq,${attributes[0]?.name},…)`}
          value={text}
          onChange={type}
          data={text.startsWith('(') || text === '' ? completions(text, attributes) : []}
          filter={({ options }) => options}
          limit={20}
          leftSection={<IconFilter size={16} aria-hidden />}
          spellCheck={false}
          rightSectionWidth={70}
          rightSection={
            <Button size="compact-xs" type="submit">
              Apply
            </Button>
          }
        />
      </form>
      {saved.map((s) => (
        <Button key={s.label} size="xs" variant={value === s.filter ? 'filled' : 'default'} aria-pressed={value === s.filter} onClick={() => set(value === s.filter ? '' : s.filter)}>
          {s.label}
        </Button>
      ))}
    </Group>
  )
}
