import { Button, Group, Slider as Bar, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { Event } from '../api/types'
import { Time } from '../parts/text'
import { tell, who } from './story'

/** Chooses a moment of a VNF's past: one of the events that made it what it is. */
export function Slider({ moments, at, set }: { moments: Event[]; at?: number; set: (version: number | undefined) => void }) {
  const last = moments.length - 1
  const found = at === undefined ? last : moments.findLastIndex((m) => m.version <= at)
  const [place, move] = useState(found)
  useEffect(() => move(found), [found])
  const m = moments[Math.min(Math.max(place, 0), last)]!
  const go = (i: number) => set(i >= last ? undefined : moments[i]!.version)
  const label = (i: number) => {
    const x = moments[i]
    return x ? `version ${x.version}, ${new Date(x.time).toLocaleString()}: ${tell(x).what}` : ''
  }
  return (
    <section aria-label="Time">
      <Group gap="xs" wrap="nowrap">
        <Button size="compact-sm" variant="default" aria-label="One event back" disabled={place <= 0} onClick={() => go(place - 1)}>
          ‹
        </Button>
        <Bar
          style={{ flex: 1 }}
          min={0}
          max={last}
          value={place}
          onChange={move}
          onChangeEnd={go}
          label={null}
          thumbLabel="Moment of the past"
          thumbProps={{ 'aria-valuetext': label(place) }}
          marks={last <= 60 ? moments.map((_, i) => ({ value: i })) : undefined}
        />
        <Button size="compact-sm" variant="default" aria-label="One event on" disabled={place >= last} onClick={() => go(place + 1)}>
          ›
        </Button>
      </Group>
      <Text size="sm" mt={4}>
        <Time at={m.time} /> · version {m.version} · {tell(m).what} {tell(m).said && `(${tell(m).said})`} · {who(m)}
        {place >= last && ' · now'}
      </Text>
    </section>
  )
}
