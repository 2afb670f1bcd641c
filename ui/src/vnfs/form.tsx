// What the forms of operations share.
import { Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import type { Flavour, Vnf, Vnfd } from '../api/types'
import { objectOf, type Values } from '../parts/schema'
import { SchemaForm } from '../parts/schemaform'
import { first } from '../parts/text'
import type { Connect } from './requests'

/** What a form says: the body of the request, or why there is none yet. */
export type Said = { body: Record<string, unknown> } | { missing: string }

export interface FormProps {
  vnf: Vnf
  vnfd: Vnfd
  say: (s: Said) => void
}

/** State of a form that says what it amounts to with each change, and at its beginning. */
export function useForm<T extends object>(start: T, said: (v: T) => Said, say: (s: Said) => void): [T, (change: Partial<T>) => void] {
  const [v, set] = useState(start)
  const told = useRef(false)
  if (!told.current) {
    told.current = true
    queueMicrotask(() => say(said(start)))
  }
  return [
    v,
    (change) => {
      const next = { ...v, ...change }
      set(next)
      say(said(next))
    },
  ]
}

export const flavourOf = ({ vnf, vnfd }: Pick<FormProps, 'vnf' | 'vnfd'>): Flavour | undefined => vnfd.flavours.find((f) => f.flavourId === vnf.instantiatedVnfInfo?.flavourId)

export const vnfcsOf = (vnf: Vnf) => (vnf.instantiatedVnfInfo?.vnfcInfo ?? []).map((c) => ({ value: c.id, label: `${c.vduId} ${first(c.id)} (${c.vnfcState})` }))

/** The parameters of an operation that a flavour declares: what they amount to, or the first that is wrong. */
export function paramsOf(f: Flavour | undefined, operation: string, values: Values): { value?: Values; missing?: string } {
  const p = objectOf(f?.operations[operation]?.additionalParamsSchema, values)
  const bad = Object.entries(p.errors)[0]
  return bad ? { missing: `${bad[0]}: ${bad[1]}` } : { value: p.value }
}

/** Fields for the parameters that a flavour declares for an operation. */
export function Params({ flavour, operation, values, set }: { flavour?: Flavour; operation: string; values: Values; set: (v: Values) => void }) {
  const schema = flavour?.operations[operation]?.additionalParamsSchema
  return <SchemaForm schema={schema} values={values} errors={objectOf(schema, values).errors} set={set} />
}

export function Connects({ connects, set, empty }: { connects: Connect[]; set: (c: Connect[]) => void; empty: string }) {
  if (connects.length === 0) return <Text size="sm">The flavour has no external connection points.</Text>
  return (
    <Stack gap={6} component="fieldset" style={{ border: '1px solid var(--plain-line)', borderRadius: 6 }}>
      <legend>External connection points</legend>
      <Text size="sm" c="var(--dim)">
        Name the network at the VIM that each is connected to. {empty}
      </Text>
      {connects.map((c, i) => (
        <SimpleGrid key={c.cpdId} cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing={4}>
          <TextInput label={`${c.cpdId}: network`} value={c.network} onChange={(e) => set(connects.with(i, { ...c, network: e.currentTarget.value }))} />
          <TextInput label={`${c.cpdId}: address`} placeholder="the VIM chooses" value={c.address} disabled={!c.network} onChange={(e) => set(connects.with(i, { ...c, address: e.currentTarget.value }))} />
        </SimpleGrid>
      ))}
    </Stack>
  )
}

/** Chooses an instantiation level of a flavour; "" is the default one. */
export function LevelOf({ flavour: f, level, set }: { flavour?: Flavour; level: string; set: (l: string) => void }) {
  if (!f || f.instantiationLevels.length === 0) return null
  const chosen = f.instantiationLevels.find((l) => l.levelId === (level || f.defaultLevel))
  return (
    <Select
      label="Level"
      description={chosen ? `${chosen.description ?? ''} ${Object.entries(chosen.vnfcs).map(([vdu, n]) => `${n} ${vdu}`).join(', ')}` : undefined}
      data={f.instantiationLevels.map((l) => l.levelId)}
      value={level || f.defaultLevel || null}
      allowDeselect={false}
      onChange={(l) => set(l ?? '')}
    />
  )
}
