// The forms of changes to what a VNF is: its flavour, its package, what it is called and has set.
import { JsonInput, NumberInput, Select, Switch, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { all, get } from '../api/http'
import type { Pkg, Vnf, Vnfd, VnfdProperty } from '../api/types'
import { Loading, Note, Refusal } from '../parts/feedback'
import { objectOf, typedOf, type Values } from '../parts/schema'
import { SchemaForm } from '../parts/schemaform'
import { Connects, LevelOf, Params, paramsOf, useForm, type FormProps } from './form'
import { externals, extVirtualLinks, keysOf, patchOf, type Connect } from './requests'

const stays = 'What you leave empty stays as it is, and what is new is for the grant to connect.'

/** What a request to reconnect says, by the keys that the VNF has. */
const links = (vnf: Vnf, connects: Connect[]) => extVirtualLinks(connects, (n) => `ext-${n}`, keysOf(vnf))

export function ToFlavour({ vnf, vnfd, say }: FormProps) {
  const others = vnfd.flavours.filter((f) => f.flavourId !== vnf.instantiatedVnfInfo?.flavourId)
  const of = (id: string) => vnfd.flavours.find((f) => f.flavourId === id)
  const points = (id: string) => externals(of(id)).map((cpdId): Connect => ({ cpdId, network: '', address: '' }))
  const initial = others[0]?.flavourId ?? ''
  const [v, set] = useForm(
    { flavour: initial, level: '', params: {} as Values, connects: points(initial) },
    (x) => {
      const params = paramsOf(of(x.flavour), 'CHANGE_FLAVOUR', x.params)
      if (!x.flavour) return { missing: 'The descriptor has no other flavour.' }
      if (params.missing) return { missing: params.missing }
      return { body: { newFlavourId: x.flavour, instantiationLevelId: x.level || undefined, extVirtualLinks: links(vnf, x.connects), additionalParams: params.value } }
    },
    say,
  )
  const f = of(v.flavour)
  return (
    <>
      <Text size="sm">It has the flavour {vnf.instantiatedVnfInfo?.flavourId} now. What both flavours say the same of is not touched.</Text>
      <Select
        label="New flavour"
        description={f?.description}
        data={others.map((x) => x.flavourId)}
        value={v.flavour || null}
        allowDeselect={false}
        onChange={(id) => set({ flavour: id ?? '', level: '', params: {}, connects: points(id ?? '') })}
      />
      <LevelOf flavour={f} level={v.level} set={(level) => set({ level })} />
      <Connects connects={v.connects} set={(connects) => set({ connects })} empty={stays} />
      <Params flavour={f} operation="CHANGE_FLAVOUR" values={v.params} set={(params) => set({ params })} />
    </>
  )
}

export function ToPackage(p: FormProps) {
  const packages = useQuery({ queryKey: ['packages', 'known'], queryFn: ({ signal }) => all<Pkg>('/vnfpkgm/v2/vnf_packages', 5000, signal) })
  if (packages.isError) return <Refusal error={packages.error} what="The packages could not be read" retry={() => void packages.refetch()} />
  if (!packages.data) return <Loading what="Reading the packages" />
  const related = (x: Pkg) => x.vnfProvider === p.vnf.vnfProvider && x.vnfProductName === p.vnf.vnfProductName
  const others = packages.data.filter((x) => x.vnfdId && x.vnfdId !== p.vnf.vnfdId && x.onboardingState === 'ONBOARDED' && x.operationalState === 'ENABLED')
  others.sort((a, b) => Number(related(b)) - Number(related(a)))
  if (others.length === 0)
    return (
      <Note kind="info" title="There is no other package">
        A VNF is changed to another package that is onboarded and enabled, of a newer version or an older one. Upload one on the page Packages.
      </Note>
    )
  return <Packages {...p} others={others} />
}

function Packages({ vnf, say, others }: FormProps & { others: Pkg[] }) {
  const [v, set] = useForm(
    { vnfdId: others[0]!.vnfdId!, batch: '' as number | '', params: {} as Values },
    (x) => {
      const params = paramsOf(flavour, 'CHANGE_VNFPKG', x.params)
      if (params.missing) return { missing: params.missing }
      const more = x.batch === '' ? params.value : { ...params.value, batchSize: x.batch }
      return { body: { vnfdId: x.vnfdId, additionalParams: more } }
    },
    say,
  )
  const chosen = others.find((x) => x.vnfdId === v.vnfdId)
  const vnfd = useQuery({ queryKey: ['package', chosen?.id, 'vnfd'], queryFn: ({ signal }) => get<Vnfd>(`/vnfm/v1/vnf_packages/${chosen!.id}/descriptor`, signal), enabled: !!chosen, staleTime: Infinity })
  const flavour = vnfd.data?.flavours.find((f) => f.flavourId === vnf.instantiatedVnfInfo?.flavourId)
  return (
    <>
      <Text size="sm">
        It is of {vnf.vnfProductName} {vnf.vnfSoftwareVersion} (VNFD {vnf.vnfdVersion}) now. Scale levels, properties and metadata stay.
      </Text>
      <Select
        label="New package"
        data={others.map((x) => ({ value: x.vnfdId!, label: `${x.vnfProductName} ${x.vnfSoftwareVersion} (${x.vnfProvider}, VNFD ${x.vnfdVersion})` }))}
        value={v.vnfdId}
        allowDeselect={false}
        onChange={(id) => set({ vnfdId: id ?? '', params: {} })}
      />
      <NumberInput
        label="Machines at a time"
        description="The next ones wait until these are ready, and the first failure stops it. 0 is all at once; empty is what the VNFD says, else the setting operation-batch."
        min={0}
        allowDecimal={false}
        value={v.batch}
        onChange={(n) => set({ batch: n === '' ? '' : Number(n) })}
      />
      <Params flavour={flavour} operation="CHANGE_VNFPKG" values={v.params} set={(params) => set({ params })} />
    </>
  )
}

/** The form of a repair: there is nothing to fill in, but for a VIM that may be ill. */
export function Repair({ say }: FormProps) {
  const [v, set] = useForm({ confirmed: false }, (x) => ({ body: { repair: true, confirmed: x.confirmed || undefined } }), say)
  return (
    <>
      <Text size="sm">What is missing is made again, what was changed is changed back, what is orphaned is released. Machines that are as the records say are not touched.</Text>
      <Switch label="A VIM that shows much less than the records say has lost the rest indeed" checked={v.confirmed} onChange={(e) => set({ confirmed: e.currentTarget.checked })} />
    </>
  )
}

/** The schema of declared properties. */
const schemaOf = (all: VnfdProperty[]) => ({ properties: Object.fromEntries(all.map((p) => [p.name, p.schema ?? {}])), required: all.filter((p) => p.required && p.initial === undefined).map((p) => p.name) })

export function Modify({ vnf, vnfd, say }: FormProps) {
  const properties = schemaOf(vnfd.configurableProperties ?? [])
  const extensions = schemaOf(vnfd.extensions ?? [])
  const start = {
    name: vnf.vnfInstanceName ?? '', description: vnf.vnfInstanceDescription ?? '', metadata: vnf.metadata ? JSON.stringify(vnf.metadata, null, 2) : '',
    properties: typedOf(properties, vnf.vnfConfigurableProperties), extensions: typedOf(extensions, vnf.extensions),
  }
  const [v, set] = useForm(
    start,
    (x) => {
      let metadata: unknown = {}
      try {
        metadata = x.metadata.trim() ? JSON.parse(x.metadata) : {}
      } catch {
        return { missing: 'metadata: This is no JSON.' }
      }
      if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return { missing: 'metadata: It must be a JSON object.' }
      const [p, e] = [objectOf(properties, x.properties), objectOf(extensions, x.extensions)]
      const bad = [...Object.entries(p.errors), ...Object.entries(e.errors)].find(([name]) => x.properties[name] !== undefined || x.extensions[name] !== undefined)
      if (bad) return { missing: `${bad[0]}: ${bad[1]}` }
      const body = {
        ...(x.name === start.name ? {} : { vnfInstanceName: x.name || null }),
        ...(x.description === start.description ? {} : { vnfInstanceDescription: x.description || null }),
        ...patchOf('metadata', vnf.metadata, metadata as Values),
        ...patchOf('vnfConfigurableProperties', vnf.vnfConfigurableProperties, p.value, Object.keys(properties.properties)),
        ...patchOf('extensions', vnf.extensions, e.value, Object.keys(extensions.properties)),
      }
      return Object.keys(body).length > 0 ? { body } : { missing: 'Change something first.' }
    },
    say,
  )
  return (
    <>
      <TextInput label="Name" data-autofocus value={v.name} onChange={(e) => set({ name: e.currentTarget.value })} />
      <TextInput label="Description" value={v.description} onChange={(e) => set({ description: e.currentTarget.value })} />
      <SchemaForm schema={properties} values={v.properties} errors={objectOf(properties, v.properties).errors} set={(x) => set({ properties: x })} />
      <SchemaForm schema={extensions} values={v.extensions} errors={objectOf(extensions, v.extensions).errors} set={(x) => set({ extensions: x })} />
      <JsonInput label="metadata" description="Names and values of your own." placeholder={'{"site": "north"}'} autosize minRows={2} value={v.metadata} onChange={(metadata) => set({ metadata })} />
    </>
  )
}
