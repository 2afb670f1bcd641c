// Management connections: how VNFs and their element managers are told and asked (SOL002).
import { Button, Group, JsonInput, MultiSelect, PasswordInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTurn, useWords } from '../address'
import { get, query, request, seg } from '../api/http'
import type { ManagementCheck, ManagementConnection, VnfSummary } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Dialog } from '../parts/dialog'
import { Empty, Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { Id, Time } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'

const root = '/vnfm/v1/management_connections'

/** The connection point whose address is called, "" when the address is written. */
const pointOf = (uri: string): string => /\{extCp\.([^}]+)\}/.exec(uri)?.[1] ?? ''

export function meant(f: ManagementConnection['for']): string {
  const parts = [
    ...(f.vnfInstanceIds?.length ? [`VNFs ${f.vnfInstanceIds.join(', ')}`] : []),
    ...(f.vnfdIds?.length ? [`VNFDs ${f.vnfdIds.join(', ')}`] : []),
    ...(f.vnfProvider ? [[f.vnfProvider, f.vnfProductName].filter(Boolean).join(' ')] : []),
  ]
  return parts.join('; ') || 'all VNFs'
}

export function ManagementPage() {
  const session = useSession()
  const queries = useQueryClient()
  const { register } = useWords<{ register?: string }>()
  const turn = useTurn()
  const [question, ask] = useState<Question | null>(null)
  const lacks = session.lacks('site:administer')
  const all = useQuery({ queryKey: ['site', 'management'], queryFn: ({ signal }) => get<ManagementConnection[]>(root, signal) })
  const again = () => queries.invalidateQueries({ queryKey: ['site', 'management'] })
  return (
    <>
      <Heading title="Management connections">
        <Button disabled={lacks !== ''} title={lacks} onClick={() => turn({ register: '1' })}>
          Register a connection
        </Button>
      </Heading>
      {all.isError && <Refusal error={all.error} what="The management connections could not be read" retry={() => void all.refetch()} />}
      {all.isPending && <Loading what="Reading the management connections" />}
      {all.data?.length === 0 && (
        <Empty title="There is no management connection yet">
          By one a VNF, or its element manager, is told its configuration once its resources stand, and asked before operations go on. Without one only simulated VNFs are told anything. Register one here,
          or from the command line: <span className="mono">vnfm management register em --endpoint MGMT --uri https://em.example</span>
        </Empty>
      )}
      <Stack>
        {all.data?.map((m) => (
          <section key={m.id} aria-label={m.id} style={{ border: '1px solid var(--plain-line)', borderRadius: 8, padding: 16 }}>
            <Stack gap="xs">
              <Group justify="space-between">
                <Group gap="sm">
                  <Text fw={700} className="wrap">
                    {m.id}
                  </Text>
                  <State state={m.enabled ? 'ENABLED' : 'DISABLED'} size="sm" />
                  <Text size="sm">{m.endpointType === 'MGMT' ? 'an element manager' : 'the VNF itself'}</Text>
                </Group>
                <Group gap="xs">
                  <Button
                    size="xs"
                    variant="default"
                    disabled={lacks !== ''}
                    title={lacks}
                    onClick={() =>
                      ask({
                        title: `${m.enabled ? 'Disable' : 'Enable'} ${m.id}`,
                        word: `${m.enabled ? 'Disable' : 'Enable'} ${m.id}`,
                        body: <Text>{m.enabled ? 'Operations that would call it from now on fail, and wait for a decision.' : 'It is called again.'}</Text>,
                        run: (key) => request('PATCH', `${root}/${seg(m.id)}`, { body: { enabled: !m.enabled }, type: 'application/merge-patch+json', key }).then(again),
                      })
                    }
                  >
                    {m.enabled ? 'Disable' : 'Enable'}
                  </Button>
                  <Button
                    size="xs"
                    variant="default"
                    disabled={lacks !== ''}
                    title={lacks}
                    onClick={() =>
                      ask({ title: `Delete ${m.id}`, word: `Delete ${m.id}`, danger: true, body: <Text>The connection and its credentials go. VNFs that have no other are told nothing any more.</Text>, run: (key) => request('DELETE', `${root}/${seg(m.id)}`, { key }).then(again) })
                    }
                  >
                    Delete
                  </Button>
                </Group>
              </Group>
              <Rows
                label={`Connection ${m.id}`}
                head={['Attribute', 'Value']}
                rows={[
                  ['id', <Id key="i" id={m.id} whole />],
                  ['uri', <span key="u" className="mono wrap">{m.uri}</span>],
                  ['interfaces', m.interfaces?.join(', ') || 'vnfconfig, lcmcoord'],
                  ['for', <span key="f" className="wrap">{meant(m.for)}</span>],
                  ['authentication', [m.authentication?.authType?.join(', ') || 'none', m.authentication?.paramsBasic?.userName].filter(Boolean).join(', ')],
                  ...Object.entries(m.vnfSpecificData ?? {}).map(([k, x]) => [`data ${k}`, <span key="v" className="mono wrap">{JSON.stringify(x)}</span>]),
                  ['changed', <Time key="t" at={m.updated} />],
                ]}
              />
              <Check connection={m} lacks={lacks} />
            </Stack>
          </section>
        ))}
      </Stack>
      {register && <Register close={() => turn({ register: undefined })} done={() => void turn({ register: undefined }).then(again)} />}
      <Confirm question={question} close={() => ask(null)} />
    </>
  )
}

function Check({ connection: m, lacks }: { connection: ManagementConnection; lacks: string }) {
  const [vnf, choose] = useState<string | null>(null)
  const point = pointOf(m.uri)
  const check = useMutation({ mutationFn: async () => (await request<ManagementCheck>('POST', `${root}/${seg(m.id)}/check` + query({ vnf: vnf ?? undefined }))).body })
  return (
    <Stack gap="xs" align="flex-start">
      {point && <VnfChoice label={`VNF whose address at ${point} is called`} value={vnf} set={choose} />}
      <Button size="xs" variant="default" loading={check.isPending} disabled={lacks !== '' || (point !== '' && !vnf)} title={lacks || (point && !vnf ? 'Choose a VNF first.' : undefined)} onClick={() => check.mutate()}>
        Check it now
      </Button>
      {check.isError && <Refusal error={check.error} what="It could not be checked" />}
      {check.data && (
        <Note kind={check.data.reachable ? 'good' : 'bad'} title={check.data.reachable ? 'It answers' : 'It does not answer as it should'}>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {check.data.interfaces.map((i) => (
              <li key={i.name} className="wrap">
                {i.name}: {i.reachable ? 'answers' : 'does not answer'} in {i.tookMs} ms{i.detail && `: ${i.detail}`}
              </li>
            ))}
          </ul>
        </Note>
      )}
    </Stack>
  )
}

/** Chooses a VNF by a part of its name, which the server looks for. */
function VnfChoice({ label, value, set }: { label: string; value: string | null; set: (id: string | null) => void }) {
  const [text, type] = useState('')
  const found = useQuery({
    queryKey: ['vnfs', 'choice', text],
    queryFn: ({ signal }) => get<VnfSummary[]>('/vnfm/v1/vnf_instances' + query({ filter: text ? `(cont,vnfInstanceName,'${text.replaceAll("'", "''")}')` : undefined, sort: 'vnfInstanceName' }), signal),
  })
  const data = [...new Map((found.data ?? []).map((v) => [v.id, { value: v.id, label: `${v.vnfInstanceName || 'unnamed'} (${v.id.slice(0, 8)})` }])).values()]
  return <Select label={label} searchable data={data} value={value} onChange={set} searchValue={text} onSearchChange={(t) => type(t.replace(/ \([0-9a-f]{8}\)$/, ''))} maw={420} w="100%" nothingFoundMessage="No VNF is called so" filter={({ options }) => options} limit={50} />
}

function Register({ close, done }: { close: () => void; done: () => void }) {
  const [v, set] = useState({ id: '', endpointType: 'MGMT', interfaces: [] as string[], uri: '', provider: '', product: '', auth: 'none', user: '', password: '', tokenEndpoint: '', data: '' })
  const key = useRef(crypto.randomUUID())
  const change = (c: Partial<typeof v>) => {
    key.current = crypto.randomUUID()
    set({ ...v, ...c })
  }
  let data: unknown
  let wrong = ''
  try {
    data = v.data.trim() ? JSON.parse(v.data) : undefined
    if (data !== undefined && (typeof data !== 'object' || data === null || Array.isArray(data))) wrong = 'It must be a JSON object.'
  } catch {
    wrong = 'This is no JSON.'
  }
  const authentication = {
    none: undefined,
    BASIC: { authType: ['BASIC'], paramsBasic: { userName: v.user, password: v.password } },
    OAUTH2_CLIENT_CREDENTIALS: { authType: ['OAUTH2_CLIENT_CREDENTIALS'], paramsOauth2ClientCredentials: { clientId: v.user, clientPassword: v.password, tokenEndpoint: v.tokenEndpoint } },
    TLS_CERT: { authType: ['TLS_CERT'] },
  }[v.auth]
  const register = useMutation({
    mutationFn: () =>
      request('POST', root, {
        key: key.current,
        body: {
          id: v.id || undefined, endpointType: v.endpointType, interfaces: v.interfaces.length ? v.interfaces : undefined, uri: v.uri, authentication, vnfSpecificData: data,
          for: v.provider || v.product ? { vnfProvider: v.provider || undefined, vnfProductName: v.product || undefined } : undefined,
        },
      }),
    onSuccess: done,
  })
  const secret = v.auth === 'BASIC' || v.auth === 'OAUTH2_CLIENT_CREDENTIALS'
  return (
    <Dialog close={close} title="Register a management connection" size="lg">
      <form
        onSubmit={(e) => {
          e.preventDefault()
          if (!wrong) register.mutate()
        }}
      >
        <Stack gap="xs">
          <TextInput label="Id" description="A name of your own; empty: one is made." data-autofocus value={v.id} onChange={(e) => change({ id: e.currentTarget.value })} />
          <SegmentedControl aria-label="Whose API it is" data={[{ value: 'MGMT', label: 'Element manager' }, { value: 'VNF', label: 'The VNF itself' }]} value={v.endpointType} onChange={(endpointType) => change({ endpointType })} />
          <TextInput
            label="URI"
            description="Root of the interfaces. In the place of the host, {extCp.NAME} is the address of that external connection point of the VNF."
            placeholder="https://em.example.com"
            value={v.uri}
            onChange={(e) => change({ uri: e.currentTarget.value })}
          />
          <MultiSelect label="Interfaces" placeholder={v.interfaces.length ? undefined : 'both'} data={['vnfconfig', 'lcmcoord']} value={v.interfaces} onChange={(interfaces) => change({ interfaces })} />
          <Group grow align="flex-start">
            <TextInput label="For VNFs of the provider" placeholder="all" value={v.provider} onChange={(e) => change({ provider: e.currentTarget.value })} />
            <TextInput label="and the product" placeholder="all" value={v.product} onChange={(e) => change({ product: e.currentTarget.value })} />
          </Group>
          <Select label="Authentication" data={['none', 'BASIC', 'OAUTH2_CLIENT_CREDENTIALS', 'TLS_CERT']} value={v.auth} allowDeselect={false} onChange={(auth) => change({ auth: auth ?? 'none' })} />
          {secret && <TextInput label={v.auth === 'BASIC' ? 'User' : 'Client id'} autoComplete="off" value={v.user} onChange={(e) => change({ user: e.currentTarget.value })} />}
          {secret && <PasswordInput label="Password" description="It is sealed before it is stored, and never shown again." autoComplete="new-password" value={v.password} onChange={(e) => change({ password: e.currentTarget.value })} />}
          {v.auth === 'OAUTH2_CLIENT_CREDENTIALS' && <TextInput label="Token endpoint" value={v.tokenEndpoint} onChange={(e) => change({ tokenEndpoint: e.currentTarget.value })} />}
          <JsonInput label="Data for every VNF" description="Goes into vnfSpecificData: NTP and DNS servers, whatever the VNFs know." placeholder={'{"ntpServers": ["10.0.0.1"]}'} autosize minRows={2} value={v.data} error={wrong || undefined} onChange={(data) => change({ data })} />
          {register.isError && <Refusal error={register.error} what="It was not registered" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Do nothing
            </Button>
            <Button type="submit" loading={register.isPending} disabled={!v.uri || !!wrong}>
              Register
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
