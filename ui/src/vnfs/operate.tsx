// The forms of operations on a VNF. Each shows what it would do (the dry run) before it is begun, and names the VNF.
import { Button, Group, Modal, MultiSelect, NumberInput, SegmentedControl, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type ReactNode } from 'react'
import { idOf, request } from '../api/http'
import type { Plan, Vnf, Vnfd } from '../api/types'
import { Loading, Refusal } from '../parts/feedback'
import { objectOf, type Values } from '../parts/schema'
import { SchemaForm } from '../parts/schemaform'
import { first } from '../parts/text'
import type { Action } from './actions'
import { PlanView } from './plan'
import { externals, extVirtualLinks, keysOf, type Connect } from './requests'

export type Operation = Exclude<Action, 'CLEANUP' | 'DELETE'>

const tasks: Record<Operation, { task: string; word: string }> = {
  INSTANTIATE: { task: 'instantiate', word: 'Instantiate' },
  SCALE: { task: 'scale', word: 'Scale' },
  SCALE_TO_LEVEL: { task: 'scale_to_level', word: 'Scale to a level' },
  HEAL: { task: 'heal', word: 'Heal' },
  CHANGE_EXT_CONN: { task: 'change_ext_conn', word: 'Connect in another way' },
  OPERATE: { task: 'operate', word: 'Stop or start' },
  TERMINATE: { task: 'terminate', word: 'Terminate' },
}

export const isOperation = (s: unknown): s is Operation => typeof s === 'string' && s in tasks

interface Props {
  vnf: Vnf
  vnfd: Vnfd
  operation: Operation
  close: () => void
  begun: (op: string) => void
}

/** What a form says: the body of the request, or why there is none yet. */
type Said = { body: Record<string, unknown> } | { missing: string }

export function Operate(p: Props) {
  const { vnf, operation } = p
  const { task, word } = tasks[operation]
  const name = vnf.vnfInstanceName || first(vnf.id)
  const [said, say] = useState<Said>({ missing: 'Fill in the form.' })
  const key = useRef('')
  const queries = useQueryClient()
  const dry = useMutation({
    mutationFn: async (body: object) => (await request<Plan>('POST', `/vnfm/v1/vnf_instances/${vnf.id}/plan`, { body: { operation, request: body } })).body,
  })
  const begin = useMutation({
    mutationFn: (body: object) => request('POST', `/vnflcm/v2/vnf_instances/${vnf.id}/${task}`, { body, key: (key.current ||= crypto.randomUUID()) }),
    onSuccess: (r) => {
      void queries.invalidateQueries({ queryKey: ['vnf', vnf.id] })
      p.begun(idOf(r.location))
    },
  })
  const changed = (s: Said) => {
    key.current = ''
    dry.reset()
    begin.reset()
    say(s)
  }
  const body = 'body' in said ? said.body : undefined
  return (
    <Modal opened onClose={p.close} title={`${word}: ${name}`} size="xl" closeButtonProps={{ 'aria-label': 'Close' }} styles={{ title: { fontWeight: 600 } }}>
      <Stack>
        <Form {...p} say={changed} />
        {dry.isPending && <Loading what="Planning" />}
        {dry.isError && <Refusal error={dry.error} what="It would be refused" />}
        {dry.data && <PlanView plan={dry.data} />}
        {begin.isError && <Refusal error={begin.error} what="It was not begun" />}
        <Group justify="flex-end">
          {'missing' in said && <Text size="sm">{said.missing}</Text>}
          <Button variant="default" onClick={p.close}>
            Do nothing
          </Button>
          {!dry.data ? (
            <Button disabled={!body} loading={dry.isPending} onClick={() => dry.mutate(body!)}>
              Show what it would do
            </Button>
          ) : (
            <Button className={operation === 'TERMINATE' ? 'danger' : undefined} loading={begin.isPending} onClick={() => begin.mutate(body!)}>
              {word} {name}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}

type FormProps = Props & { say: (s: Said) => void }

function Form(p: FormProps): ReactNode {
  switch (p.operation) {
    case 'INSTANTIATE':
      return <Instantiate {...p} />
    case 'SCALE':
      return <Scale {...p} />
    case 'SCALE_TO_LEVEL':
      return <ToLevel {...p} />
    case 'HEAL':
      return <Heal {...p} />
    case 'CHANGE_EXT_CONN':
      return <Reconnect {...p} />
    case 'OPERATE':
      return <StopOrStart {...p} />
    case 'TERMINATE':
      return <Terminate {...p} />
  }
}

/** State of a form that says what it amounts to with each change, and at its beginning. */
function useForm<T extends object>(start: T, said: (v: T) => Said, say: (s: Said) => void): [T, (change: Partial<T>) => void] {
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

function Instantiate({ vnfd, say }: FormProps) {
  const firstFlavour = vnfd.flavours[0]
  const start = { flavour: firstFlavour?.flavourId ?? '', level: '', params: {} as Values, connects: externals(firstFlavour).map((cpdId): Connect => ({ cpdId, network: '', address: '' })) }
const flavourOf = (id: string) => vnfd.flavours.find((f) => f.flavourId === id)
  const [v, set] = useForm(
    start,
    (x) => {
      const params = objectOf(flavourOf(x.flavour)?.operations.INSTANTIATE?.additionalParamsSchema, x.params)
      const bad = Object.entries(params.errors)[0]
      if (bad) return { missing: `${bad[0]}: ${bad[1]}` }
      return { body: { flavourId: x.flavour, instantiationLevelId: x.level || undefined, extVirtualLinks: extVirtualLinks(x.connects), additionalParams: params.value } }
    },
    say,
  )
  const f = flavourOf(v.flavour)
  const schema = f?.operations.INSTANTIATE?.additionalParamsSchema
  const level = f?.instantiationLevels.find((l) => l.levelId === (v.level || f.defaultLevel))
  return (
    <>
      <Select
        label="Flavour"
        description={f?.description}
        data={vnfd.flavours.map((x) => x.flavourId)}
        value={v.flavour}
        allowDeselect={false}
        onChange={(id) => set({ flavour: id ?? '', level: '', params: {}, connects: externals(flavourOf(id ?? '')).map((cpdId) => ({ cpdId, network: '', address: '' })) })}
      />
      {f && f.instantiationLevels.length > 0 && (
        <Select
          label="Level"
          description={level ? `${level.description ?? ''} ${Object.entries(level.vnfcs).map(([vdu, n]) => `${n} ${vdu}`).join(', ')}` : undefined}
          data={f.instantiationLevels.map((l) => l.levelId)}
          value={v.level || f.defaultLevel || null}
          allowDeselect={false}
          onChange={(l) => set({ level: l ?? '' })}
        />
      )}
      <Connects connects={v.connects} set={(connects) => set({ connects })} empty="What you leave empty is for the grant to connect." />
      <SchemaForm schema={schema} values={v.params} errors={objectOf(schema, v.params).errors} set={(params) => set({ params })} />
    </>
  )
}

const flavourOf = ({ vnf, vnfd }: Props) => vnfd.flavours.find((f) => f.flavourId === vnf.instantiatedVnfInfo?.flavourId)

function Connects({ connects, set, empty }: { connects: Connect[]; set: (c: Connect[]) => void; empty: string }) {
  if (connects.length === 0) return <Text size="sm">The flavour has no external connection points.</Text>
  return (
    <Stack gap={6} component="fieldset" style={{ border: '1px solid var(--plain-line)', borderRadius: 6 }}>
      <legend>External connection points</legend>
      <Text size="sm" c="var(--dim)">
        Name the network at the VIM that each is connected to. {empty}
      </Text>
      {connects.map((c, i) => (
        <Group key={c.cpdId} grow align="flex-end">
          <TextInput label={`${c.cpdId}: network`} value={c.network} onChange={(e) => set(connects.with(i, { ...c, network: e.currentTarget.value }))} />
          <TextInput label={`${c.cpdId}: address`} placeholder="the VIM chooses" value={c.address} disabled={!c.network} onChange={(e) => set(connects.with(i, { ...c, address: e.currentTarget.value }))} />
        </Group>
      ))}
    </Stack>
  )
}

function Scale(p: FormProps) {
  const aspects = flavourOf(p)?.scalingAspects ?? []
  const level = (id: string) => p.vnf.instantiatedVnfInfo?.scaleStatus?.find((s) => s.aspectId === id)?.scaleLevel ?? 0
  const [v, set] = useForm(
    { aspect: aspects[0]?.aspectId ?? '', type: 'SCALE_OUT', steps: 1 },
    (x) => (x.steps >= 1 ? { body: { type: x.type, aspectId: x.aspect, numberOfSteps: x.steps } } : { missing: 'One step at least.' }),
    p.say,
  )
  const a = aspects.find((x) => x.aspectId === v.aspect)
  return (
    <>
      <Select label="Aspect" description={a?.description} data={aspects.map((x) => x.aspectId)} value={v.aspect} allowDeselect={false} onChange={(x) => set({ aspect: x ?? '' })} />
      <Text size="sm">
        Level {level(v.aspect)} of 0 to {a?.maxScaleLevel}
      </Text>
      <SegmentedControl aria-label="Direction" data={[{ value: 'SCALE_OUT', label: 'Out: add VNFCs' }, { value: 'SCALE_IN', label: 'In: remove VNFCs' }]} value={v.type} onChange={(type) => set({ type })} />
      <NumberInput label="Steps" min={1} max={a?.maxScaleLevel} value={v.steps} onChange={(n) => set({ steps: Number(n) || 0 })} />
    </>
  )
}

function ToLevel(p: FormProps) {
  const f = flavourOf(p)
  const now = Object.fromEntries((p.vnf.instantiatedVnfInfo?.scaleStatus ?? []).map((s) => [s.aspectId, s.scaleLevel]))
  const [v, set] = useForm(
    { level: f?.instantiationLevels[0]?.levelId ?? '', aspects: now },
    (x) => ({ body: x.level ? { instantiationLevelId: x.level } : { scaleInfo: Object.entries(x.aspects).map(([aspectId, scaleLevel]) => ({ aspectId, scaleLevel })) } }),
    p.say,
  )
  const l = f?.instantiationLevels.find((x) => x.levelId === v.level)
  return (
    <>
      <Select
        label="Level"
        description={l?.description}
        data={[...(f?.instantiationLevels ?? []).map((x) => ({ value: x.levelId, label: x.levelId })), { value: '', label: 'levels of aspects' }]}
        value={v.level}
        allowDeselect={false}
        onChange={(level) => set({ level: level ?? '' })}
      />
      {v.level === '' &&
        f?.scalingAspects.map((a) => (
          <NumberInput key={a.aspectId} label={a.aspectId} description={`0 to ${a.maxScaleLevel}`} min={0} max={a.maxScaleLevel} value={v.aspects[a.aspectId] ?? 0} onChange={(n) => set({ aspects: { ...v.aspects, [a.aspectId]: Number(n) || 0 } })} />
        ))}
    </>
  )
}

const vnfcsOf = (vnf: Vnf) => (vnf.instantiatedVnfInfo?.vnfcInfo ?? []).map((c) => ({ value: c.id, label: `${c.vduId} ${first(c.id)} (${c.vnfcState})` }))

function Heal({ vnf, say }: FormProps) {
  const [v, set] = useForm(
    { cause: '', vnfcs: [] as string[], all: false },
    (x) => ({ body: { cause: x.cause || undefined, vnfcInstanceId: x.vnfcs.length ? x.vnfcs : undefined, additionalParams: x.all ? { all: true } : undefined } }),
    say,
  )
  return (
    <>
      <TextInput label="Cause" description="It is kept with the operation and in the VNF's events." value={v.cause} onChange={(e) => set({ cause: e.currentTarget.value })} />
      <MultiSelect label="VNFCs" placeholder={v.vnfcs.length ? undefined : 'all'} data={vnfcsOf(vnf)} value={v.vnfcs} onChange={(vnfcs) => set({ vnfcs })} clearable />
      <Switch label="Volumes too: they are made anew, without their data" checked={v.all} onChange={(e) => set({ all: e.currentTarget.checked })} />
    </>
  )
}

function Reconnect(p: FormProps) {
  const start = externals(flavourOf(p)).map((cpdId): Connect => ({ cpdId, network: '', address: '' }))
  const [v, set] = useForm(
    { connects: start },
    (x) => {
      const links = extVirtualLinks(x.connects, (n) => `ext-${n}`, keysOf(p.vnf))
      return links ? { body: { extVirtualLinks: links } } : { missing: 'Name a network for one connection point at least.' }
    },
    p.say,
  )
  return <Connects connects={v.connects} set={(connects) => set({ connects })} empty="What you leave empty stays as it is." />
}

function StopOrStart({ vnf, say }: FormProps) {
  const [v, set] = useForm(
    { to: vnf.instantiatedVnfInfo?.vnfState === 'STOPPED' ? 'STARTED' : 'STOPPED', graceful: 0, vnfcs: [] as string[] },
    (x) => ({
      body: {
        changeStateTo: x.to, vnfcInstanceId: x.vnfcs.length ? x.vnfcs : undefined,
        stopType: x.to === 'STOPPED' ? (x.graceful > 0 ? 'GRACEFUL' : 'FORCEFUL') : undefined, gracefulStopTimeout: x.to === 'STOPPED' && x.graceful > 0 ? x.graceful : undefined,
      },
    }),
    say,
  )
  return (
    <>
      <SegmentedControl aria-label="State" data={[{ value: 'STARTED', label: 'Start' }, { value: 'STOPPED', label: 'Stop' }]} value={v.to} onChange={(to) => set({ to })} />
      {v.to === 'STOPPED' && <NumberInput label="Time to stop gracefully, in seconds" description="0 stops at once." min={0} value={v.graceful} onChange={(n) => set({ graceful: Number(n) || 0 })} />}
      <MultiSelect label="VNFCs" placeholder={v.vnfcs.length ? undefined : 'all'} data={vnfcsOf(vnf)} value={v.vnfcs} onChange={(vnfcs) => set({ vnfcs })} clearable />
    </>
  )
}

function Terminate({ say }: FormProps) {
  const [v, set] = useForm(
    { graceful: 0 },
    (x) => ({ body: x.graceful > 0 ? { terminationType: 'GRACEFUL', gracefulTerminationTimeout: x.graceful } : { terminationType: 'FORCEFUL' } }),
    say,
  )
  return <NumberInput label="Time to stop gracefully, in seconds" description="0 terminates at once. Everything the VNF has at VIMs is released, volumes with their data." min={0} value={v.graceful} onChange={(n) => set({ graceful: Number(n) || 0 })} />
}
