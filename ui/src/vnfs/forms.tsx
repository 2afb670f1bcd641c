// The forms of operations that leave the flavour and the package as they are.
import { MultiSelect, NumberInput, SegmentedControl, Select, Switch, Text, TextInput } from '@mantine/core'
import type { Vnfd } from '../api/types'
import type { Values } from '../parts/schema'
import { Connects, flavourOf, LevelOf, Params, paramsOf, useForm, vnfcsOf, type FormProps } from './form'
import { externals, extVirtualLinks, keysOf, type Connect } from './requests'

/** How the external connection points of a flavour are connected before anybody said anything. */
const unconnected = (vnfd: Vnfd, id: string) => externals(vnfd.flavours.find((f) => f.flavourId === id)).map((cpdId): Connect => ({ cpdId, network: '', address: '' }))

export function Instantiate({ vnfd, say }: FormProps) {
  const of = (id: string) => vnfd.flavours.find((f) => f.flavourId === id)
  const initial = vnfd.flavours[0]?.flavourId ?? ''
  const [v, set] = useForm(
    { flavour: initial, level: '', params: {} as Values, connects: unconnected(vnfd, initial) },
    (x) => {
      const params = paramsOf(of(x.flavour), 'INSTANTIATE', x.params)
      if (params.missing) return { missing: params.missing }
      return { body: { flavourId: x.flavour, instantiationLevelId: x.level || undefined, extVirtualLinks: extVirtualLinks(x.connects), additionalParams: params.value } }
    },
    say,
  )
  const f = of(v.flavour)
  return (
    <>
      <Select
        label="Flavour"
        description={f?.description}
        data={vnfd.flavours.map((x) => x.flavourId)}
        value={v.flavour}
        allowDeselect={false}
        onChange={(id) => set({ flavour: id ?? '', level: '', params: {}, connects: unconnected(vnfd, id ?? '') })}
      />
      <LevelOf flavour={f} level={v.level} set={(level) => set({ level })} />
      <Connects connects={v.connects} set={(connects) => set({ connects })} empty="What you leave empty is for the grant to connect." />
      <Params flavour={f} operation="INSTANTIATE" values={v.params} set={(params) => set({ params })} />
    </>
  )
}

export function Scale(p: FormProps) {
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

export function ToLevel(p: FormProps) {
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

export function Heal({ vnf, say }: FormProps) {
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

export function Reconnect(p: FormProps) {
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

export function StopOrStart({ vnf, say }: FormProps) {
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

export function Terminate({ say }: FormProps) {
  const [v, set] = useForm(
    { graceful: 0 },
    (x) => ({ body: x.graceful > 0 ? { terminationType: 'GRACEFUL', gracefulTerminationTimeout: x.graceful } : { terminationType: 'FORCEFUL' } }),
    say,
  )
  return <NumberInput label="Time to stop gracefully, in seconds" description="0 terminates at once. Everything the VNF has at VIMs is released, volumes with their data." min={0} value={v.graceful} onChange={(n) => set({ graceful: Number(n) || 0 })} />
}
