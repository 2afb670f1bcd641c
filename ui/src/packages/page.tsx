import { Button, Group, Select, Stack, Tabs, Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo, useRef, useState } from 'react'
import { useGoTo, useIdOfAddress, useTurn, useWords } from '../address'
import { get, query, request } from '../api/http'
import type { Pkg, Vnfd, VnfSummary } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Empty, Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { bytes, first, Id, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'
import { pictureOfFlavour } from '../vnfs/picture'
import { Story } from '../vnfs/storyview'
import { readVnfd } from './source'

const Topology = lazy(() => import('../vnfs/topology').then((m) => ({ default: m.Topology })))

interface Search {
  tab?: string
  flavour?: string
  file?: string
  line?: number
}

export function PackagePage() {
  const id = useIdOfAddress()
  const search = useWords<Search>()
  const turn = useTurn()
  const go = useGoTo()
  const session = useSession()
  const [question, ask] = useState<Question | null>(null)
  const pkg = useQuery({ queryKey: ['package', id, 'info'], queryFn: ({ signal }) => get<Pkg>(`/vnfpkgm/v2/vnf_packages/${id}`, signal) })
  const onboarded = pkg.data?.onboardingState === 'ONBOARDED'
  const vnfd = useQuery({ queryKey: ['package', id, 'vnfd'], queryFn: ({ signal }) => get<Vnfd>(`/vnfm/v1/vnf_packages/${id}/descriptor`, signal), enabled: onboarded, staleTime: Infinity })
  if (pkg.isError) return <Refusal error={pkg.error} what="The package could not be read" retry={() => void pkg.refetch()} />
  if (!pkg.data) return <Loading what="Reading the package" />
  const p = pkg.data
  const name = p.vnfProductName ? `${p.vnfProductName} ${p.vnfSoftwareVersion}` : `Package ${first(p.id)}`
  const lacks = session.lacks('packages:write')
  const flavour = vnfd.data?.flavours.find((f) => f.flavourId === search.flavour) ?? vnfd.data?.flavours[0]
  const turnState = (to: 'ENABLED' | 'DISABLED'): Question => ({
    title: `${to === 'ENABLED' ? 'Enable' : 'Disable'} ${name}`,
    word: `${to === 'ENABLED' ? 'Enable' : 'Disable'} ${name}`,
    body: <Text>{to === 'ENABLED' ? 'VNFs may be created by it again.' : 'No new VNF is created by it. Those there are stay, and go on as they are.'}</Text>,
    run: (key) => request('PATCH', `/vnfpkgm/v2/vnf_packages/${id}`, { body: { operationalState: to }, type: 'application/merge-patch+json', key }).then(() => pkg.refetch()),
  })
  const remove: Question = {
    title: `Delete ${name}`,
    word: `Delete ${name}`,
    danger: true,
    body: <Text>The package goes, with its images and its descriptor.</Text>,
    run: async (key) => {
      await request('DELETE', `/vnfpkgm/v2/vnf_packages/${id}`, { key })
      go('/packages')
    },
  }
  const notDelete = lacks || (p.usageState === 'IN_USE' ? 'VNFs use it.' : p.operationalState === 'ENABLED' && onboarded ? 'Disable it first.' : '')
  return (
    <>
      <Heading title={name}>
        <State state={p.onboardingState} />
        <State state={p.operationalState} />
        <State state={p.usageState} />
        {onboarded && (
          <Button variant="default" disabled={lacks !== ''} title={lacks} onClick={() => ask(turnState(p.operationalState === 'ENABLED' ? 'DISABLED' : 'ENABLED'))}>
            {p.operationalState === 'ENABLED' ? 'Disable' : 'Enable'}
          </Button>
        )}
        <Button variant="default" disabled={notDelete !== ''} title={notDelete} onClick={() => ask(remove)}>
          Delete
        </Button>
      </Heading>
      <Stack gap="sm">
        <Group gap="lg">
          {p.vnfProvider && <Text>by {p.vnfProvider}</Text>}
          {p.vnfdId && (
            <Text>
              VNFD {p.vnfdVersion} <Id id={p.vnfdId} />
            </Text>
          )}
          <Text>
            package <Id id={p.id} />
          </Text>
        </Group>
        {p.onboardingFailureDetails && (
          <Note kind="bad" title="It was not onboarded">
            <div style={{ whiteSpace: 'pre-wrap' }}>{p.onboardingFailureDetails.detail}</div>
          </Note>
        )}
        <Tabs value={search.tab ?? (onboarded ? 'picture' : 'story')} onChange={(tab) => turn({ tab: tab ?? undefined })} keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="picture">Picture</Tabs.Tab>
            <Tabs.Tab value="source">Source and findings {p.findings?.length ? `(${p.findings.length})` : ''}</Tabs.Tab>
            <Tabs.Tab value="vnfs">VNFs that use it</Tabs.Tab>
            <Tabs.Tab value="images">Images</Tabs.Tab>
            <Tabs.Tab value="story">Story</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="picture" pt="sm">
            {!onboarded && <Empty title="No descriptor">The package is {p.onboardingState}: its descriptor was not read.</Empty>}
            {vnfd.isError && <Refusal error={vnfd.error} what="The descriptor could not be read" />}
            {vnfd.data && flavour && (
              <Stack gap="sm">
                <Select label="Flavour" description={flavour.description} data={vnfd.data.flavours.map((f) => f.flavourId)} value={flavour.flavourId} allowDeselect={false} onChange={(f) => turn({ flavour: f ?? undefined })} maw={420} />
                <Suspense fallback={<Loading what="Drawing" />}>
                  <Topology picture={pictureOfFlavour(flavour)} label={`The flavour ${flavour.flavourId}`} />
                </Suspense>
                <Rows
                  label="Levels"
                  head={['Level', 'VNFCs', 'Scale levels', '']}
                  rows={flavour.instantiationLevels.map((l) => [
                    l.levelId === flavour.defaultLevel ? `${l.levelId} (default)` : l.levelId,
                    Object.entries(l.vnfcs).map(([v, n]) => `${n} ${v}`).join(', '),
                    Object.entries(l.scaleInfo ?? {}).map(([a, n]) => `${a} ${n}`).join(', '),
                    l.description ?? '',
                  ])}
                  empty="The flavour has no levels."
                />
              </Stack>
            )}
          </Tabs.Panel>
          <Tabs.Panel value="source" pt="sm">
            {onboarded ? <Source id={id} findings={p.findings ?? []} search={search} turn={turn} /> : <Empty title="No source">The package is not onboarded.</Empty>}
          </Tabs.Panel>
          <Tabs.Panel value="vnfs" pt="sm">
            <Users id={id} />
          </Tabs.Panel>
          <Tabs.Panel value="images" pt="sm">
            <Rows label="Images" head={['Image', 'Version', 'Format', 'Size']} rows={(p.softwareImages ?? []).map((i) => [i.name, i.version, i.diskFormat, bytes(i.size)])} empty="The package has no images." />
          </Tabs.Panel>
          <Tabs.Panel value="story" pt="sm">
            <Story path={`/vnfm/v1/vnf_packages/${id}/events`} queryKey={['package', id, 'story']} quiet={[]} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
      <Confirm question={question} close={() => ask(null)} />
    </>
  )
}

function Users({ id }: { id: string }) {
  const vnfs = useQuery({ queryKey: ['vnfs', 'by package', id], queryFn: ({ signal }) => get<VnfSummary[]>('/vnfm/v1/vnf_instances' + query({ filter: `(eq,vnfPkgId,${id})`, sort: 'vnfInstanceName' }), signal) })
  if (vnfs.isError) return <Refusal error={vnfs.error} what="The VNFs could not be read" />
  if (!vnfs.data) return <Loading what="Reading the VNFs" />
  return (
    <Rows
      label="VNFs that use the package"
      head={['VNF', 'State', 'Flavour']}
      rows={vnfs.data.map((v) => [
        <To key="v" to={`/vnfs/${v.id}`}>
          {v.vnfInstanceName || first(v.id)}
        </To>,
        <State key="s" state={v.instantiationState} size="sm" />,
        v.flavourId ?? '',
      ])}
      empty="No VNF uses it."
    />
  )
}

/** The descriptor's files with what was found at their lines. */
function Source({ id, findings, search, turn }: { id: string; findings: NonNullable<Pkg['findings']>; search: Search; turn: (c: Record<string, string | number | undefined>, replace?: boolean) => void }) {
  const files = useQuery({ queryKey: ['package', id, 'source'], queryFn: ({ signal }) => readVnfd(id, signal), staleTime: Infinity })
  const names = Object.keys(files.data ?? {})
  const name = search.file && names.includes(search.file) ? search.file : (names.find((n) => findings.some((f) => f.file === n)) ?? names[0])
  const lines = useMemo(() => (files.data?.[name ?? ''] ?? '').split('\n'), [files.data, name])
  const box = useRef<HTMLDivElement>(null)
  const mine = findings.filter((f) => !f.file || f.file === name || names.length === 1)
  const byLine = useMemo(() => new Map(mine.filter((f) => f.line).map((f) => [f.line!, f])), [mine])
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: (i) => (byLine.has(i + 1) ? 40 : 20), overscan: 30, initialOffset: search.line ? (search.line - 6) * 20 : 0 })
  if (files.isError) return <Refusal error={files.error} what="The source could not be read" />
  if (!files.data) return <Loading what="Reading the source" />
  return (
    <Stack gap="sm">
      <Rows
        label="Findings"
        head={['Where', 'Rule', 'What']}
        rows={findings.map((f) => [
          f.line ? (
            <Button key="w" size="compact-xs" variant="default" onClick={() => { turn({ file: f.file, line: f.line }, true); rows.scrollToIndex(f.line! - 1, { align: 'center' }) }}>
              {f.file?.split('/').pop()}:{f.line}
            </Button>
          ) : (
            (f.file ?? '')
          ),
          f.rule,
          f.text,
        ])}
        empty="Nothing was found that deviates from the standard."
      />
      {names.length > 1 && <Select label="File" data={names} value={name} allowDeselect={false} onChange={(file) => turn({ file: file ?? undefined, line: undefined })} />}
      <div ref={box} tabIndex={0} role="region" aria-label={`Source ${name}`} style={{ height: 'min(60vh, 640px)', overflow: 'auto', border: '1px solid var(--plain-line)', borderRadius: 8 }}>
        <div style={{ height: rows.getTotalSize(), position: 'relative', minWidth: 'max-content' }}>
          {rows.getVirtualItems().map((v) => {
            const f = byLine.get(v.index + 1)
            return (
              <div key={v.key} className="mono" style={{ position: 'absolute', top: v.start, left: 0, whiteSpace: 'pre', lineHeight: '20px', background: f ? 'var(--warn-bg)' : search.line === v.index + 1 ? 'var(--busy-bg)' : undefined, color: f ? 'var(--warn-fg)' : undefined }}>
                <span className="dim" style={{ display: 'inline-block', width: 52, textAlign: 'right', marginRight: 12, userSelect: 'none' }}>
                  {v.index + 1}
                </span>
                {lines[v.index]}
                {f && <div style={{ paddingLeft: 64 }}>! {f.text}</div>}
              </div>
            )
          })}
        </div>
      </div>
    </Stack>
  )
}
