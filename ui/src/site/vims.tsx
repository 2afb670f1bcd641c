import { Button, Group, PasswordInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { get, request } from '../api/http'
import type { Vim, VimCheck } from '../api/types'
import { Confirm, type Question } from '../parts/confirm'
import { Dialog } from '../parts/dialog'
import { Empty, Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { Id, lasting, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'
import { differing } from '../vnfs/story'

export function VimsPage() {
  const session = useSession()
  const queries = useQueryClient()
  const [question, ask] = useState<Question | null>(null)
  const [adding, add] = useState(false)
  const lacks = session.lacks('site:administer')
  const vims = useQuery({ queryKey: ['site', 'vims'], queryFn: ({ signal }) => get<Vim[]>('/vnfm/v1/vims', signal), refetchInterval: 5000 })
  const again = () => queries.invalidateQueries({ queryKey: ['site', 'vims'] })
  const patch = (v: Vim, body: object, key: string) => request('PATCH', `/vnfm/v1/vims/${v.id}`, { body, type: 'application/merge-patch+json', key }).then(again)
  return (
    <>
      <Heading title="VIMs">
        <Button disabled={lacks !== ''} title={lacks} onClick={() => add(true)}>
          Register a VIM
        </Button>
      </Heading>
      {vims.isError && <Refusal error={vims.error} what="The VIMs could not be read" retry={() => void vims.refetch()} />}
      {vims.isPending && <Loading what="Reading the VIMs" />}
      {vims.data?.length === 0 && <Empty title="There is no VIM yet">A VIM is where the machines and networks of VNFs are made. Register one here, or from the command line: vnfm vim register.</Empty>}
      <Stack>
        {vims.data?.map((v) => (
          <section key={v.id} aria-label={v.vimId ?? v.id} style={{ border: '1px solid var(--plain-line)', borderRadius: 8, padding: 16 }}>
            <Stack gap="xs">
              <Group justify="space-between">
                <Group gap="sm">
                  <Text fw={700}>{v.vimId ?? v.id}</Text>
                  <State state={v.enabled ? 'ENABLED' : 'DISABLED'} size="sm" />
                  {v.default && <Text size="sm">default</Text>}
                  {v.builtIn && <Text size="sm">built in</Text>}
                  {v.held && <State state={v.held.state} size="sm" />}
                  {v.comparison?.suspect && <State state="SUSPECT" size="sm" />}
                </Group>
                {!v.builtIn && (
                  <Group gap="xs">
                    <Button
                      size="xs"
                      variant="default"
                      disabled={lacks !== ''}
                      title={lacks}
                      onClick={() =>
                        ask({
                          title: `${v.enabled ? 'Disable' : 'Enable'} ${v.vimId ?? v.id}`,
                          word: v.enabled ? 'Disable' : 'Enable',
                          body: <Text>{v.enabled ? 'No new resource is placed there. What stands there stays.' : 'New resources may be placed there again.'}</Text>,
                          run: (key) => patch(v, { enabled: !v.enabled }, key),
                        })
                      }
                    >
                      {v.enabled ? 'Disable' : 'Enable'}
                    </Button>
                    <Button
                      size="xs"
                      variant="default"
                      disabled={lacks !== ''}
                      title={lacks}
                      onClick={() =>
                        ask({ title: `Delete ${v.vimId ?? v.id}`, word: 'Delete', danger: true, body: <Text>The connection and its credentials go. It is refused while something stands there.</Text>, run: (key) => request('DELETE', `/vnfm/v1/vims/${v.id}`, { key }).then(again) })
                      }
                    >
                      Delete
                    </Button>
                  </Group>
                )}
              </Group>
              <Rows
                label={`Connection ${v.vimId ?? v.id}`}
                head={['Attribute', 'Value']}
                rows={[
                  ['id', <Id key="i" id={v.id} whole />],
                  ['type', v.vimType],
                  ['calls', <Calls key="l" vim={v} />],
                  ...(v.comparison ? [['compared with the records', <Compared key="c" of={v.comparison} />]] : []),
                  ...Object.entries({ ...v.interfaceInfo, ...v.accessInfo, ...v.extra }).map(([k, x]) => [k, <span key="v" className="mono wrap">{typeof x === 'string' ? x : JSON.stringify(x)}</span>]),
                ]}
              />
              <Check vim={v} lacks={lacks} />
            </Stack>
          </section>
        ))}
      </Stack>
      {adding && <Register close={() => add(false)} done={() => { add(false); void again() }} />}
      <Confirm question={question} close={() => ask(null)} />
    </>
  )
}

/** How a VIM may be called, and why calls to it are held back. */
function Calls({ vim: { limits: l, held: h } }: { vim: Vim }) {
  return (
    <>
      {h && (
        <>
          {h.state === 'PAUSED' ? 'It asked for time' : h.state === 'HALF_OPEN' ? 'It was away, and one call at a time tries it' : `It is away (${h.failures} calls in a row found it so)`}: operations wait since <Time at={h.since} />
          {h.state !== 'HALF_OPEN' && <>, the next call is at <Time at={h.until} /></>}. It said: {h.reason}.{' '}
        </>
      )}
      {`at most ${l.workers} at once`}
      {l.rate > 0 && `, ${l.rate} a second`}
      {l.breakerFailures > 0 ? `; left alone after ${l.breakerFailures} in a row that find it away` : '; never left alone'}
    </>
  )
}

function Compared({ of: c }: { of: NonNullable<Vim['comparison']> }) {
  return (
    <>
      <Time at={c.time} />, in {lasting(c.tookMs)}:{' '}
      {c.error ?? (c.vnfsDrifted === 0 ? `${c.recorded} resources of ${c.vnfs} VNFs, nothing differs` : <To to="/vnfs" search={{ filter: '(in,drift/state,DRIFTED,SUSPECT)' }}>{`${c.vnfsDrifted} of ${c.vnfs} VNFs differ: ${differing(c)}`}</To>)}
      {c.vnfsBusy > 0 && `; ${c.vnfsBusy} not compared, operations were under way`}
      {c.suspect && `. Only ${c.recorded - c.missing} of ${c.recorded} resources are there: the VIM may be ill, and nothing is repaired by it without anybody's asking`}
      {c.repairsGivenUp > 0 && `. ${c.repairsGivenUp} VNFs are not repaired any more`}
    </>
  )
}

function Check({ vim, lacks }: { vim: Vim; lacks: string }) {
  const check = useMutation({ mutationFn: async () => (await request<VimCheck>('POST', `/vnfm/v1/vims/${vim.id}/check`)).body })
  const c = check.data
  return (
    <Stack gap="xs" align="flex-start">
      <Button size="xs" variant="default" loading={check.isPending} disabled={lacks !== ''} title={lacks} onClick={() => check.mutate()}>
        Check it now
      </Button>
      {check.isError && <Refusal error={check.error} what="It could not be checked" />}
      {c && (
        <Note kind={c.reachable ? 'good' : 'bad'} title={c.reachable ? `It answers, in ${c.tookMs} ms` : 'It does not answer'}>
          {c.facts?.some((f) => f.lacks) && <b>The connection lacks what VNFs need. </b>}
          {c.reachable ? `${c.zones?.length ?? 0} zones (${c.zones?.join(', ')}), ${c.flavours} flavours, ${c.images} images${c.externalNetwork ? `, external network ${c.externalNetwork}` : ''}` : c.detail}
        </Note>
      )}
      {c?.facts && (
        <Rows
          label={`What ${vim.vimId ?? vim.id} allows`}
          head={['What', 'Name', 'Value']}
          rows={[...c.facts].sort((a, b) => Number(b.lacks ?? false) - Number(a.lacks ?? false)).map((f) => [f.area, f.name, <span key="v" className="wrap">{f.lacks && <State state="MISSING" size="sm" />} {f.value}</span>])}
        />
      )}
    </Stack>
  )
}

const types = ['ETSINFV.OPENSTACK_KEYSTONE.V_3', 'ETSINFV.KUBERNETES.V_1', 'VNFM.SIM.V_1']

/** A field of a connection: where it goes, by the type of the VIM. */
interface Field {
  in: 'interfaceInfo' | 'accessInfo' | 'extra'
  name: string
  label: string
  secret?: boolean
  start?: string
  hint?: string
}

const fields: Record<string, Field[]> = {
  'ETSINFV.OPENSTACK_KEYSTONE.V_3': [
    { in: 'interfaceInfo', name: 'endpoint', label: 'Endpoint', hint: 'Of Keystone: https://vim.example/v3' },
    { in: 'accessInfo', name: 'username', label: 'User' },
    { in: 'accessInfo', name: 'password', label: 'Password', secret: true },
    { in: 'accessInfo', name: 'project', label: 'Project' },
    { in: 'accessInfo', name: 'projectDomain', label: 'Domain of the project', start: 'Default' },
    { in: 'accessInfo', name: 'userDomain', label: 'Domain of the user', start: 'Default' },
    { in: 'accessInfo', name: 'region', label: 'Region' },
  ],
  'ETSINFV.KUBERNETES.V_1': [
    { in: 'accessInfo', name: 'kubeconfig', label: 'Kubeconfig', secret: true, hint: 'With all that it needs in it (kubectl config view --flatten --minify), or what follows instead.' },
    { in: 'interfaceInfo', name: 'endpoint', label: 'Endpoint', hint: 'Of the API: https://cluster.example:6443' },
    { in: 'interfaceInfo', name: 'ssl_ca_cert', label: 'Authority of its certificate', hint: 'PEM, or base64 of it' },
    { in: 'accessInfo', name: 'bearer_token', label: 'Token of a service account', secret: true },
    { in: 'extra', name: 'namespace', label: 'Namespace', hint: 'For objects that name none' },
  ],
  'VNFM.SIM.V_1': [{ in: 'interfaceInfo', name: 'endpoint', label: 'Endpoint' }],
}

/** What of a connection is missing so that anybody can reach its VIM; "" for nothing. */
const needs: Record<string, (v: Record<string, string>) => string> = {
  'ETSINFV.OPENSTACK_KEYSTONE.V_3': (v) => (v.endpoint ? '' : 'Say where Keystone is: its endpoint.'),
  'ETSINFV.KUBERNETES.V_1': (v) => (v.kubeconfig || v.endpoint ? '' : 'Give a kubeconfig, or the endpoint of the API.'),
}

function Register({ close, done }: { close: () => void; done: () => void }) {
  const [v, set] = useState({ vimId: '', vimType: types[0]!, default: false, values: {} as Record<string, string> })
  const key = useRef(crypto.randomUUID())
  const change = (c: Partial<typeof v>) => {
    key.current = crypto.randomUUID()
    set({ ...v, ...c })
  }
  const of = fields[v.vimType] ?? []
  const part = (where: Field['in']) => {
    const all = of.filter((f) => f.in === where).flatMap((f) => { const x = v.values[f.name] ?? f.start ?? ''; return x === '' ? [] : [[f.name, x]] })
    return all.length > 0 ? Object.fromEntries(all) : undefined
  }
  const register = useMutation({
    mutationFn: () =>
      request('POST', '/vnfm/v1/vims', {
        key: key.current,
        body: { vimId: v.vimId || undefined, vimType: v.vimType, default: v.default, interfaceInfo: part('interfaceInfo'), accessInfo: part('accessInfo'), extra: part('extra') },
      }),
    onSuccess: done,
  })
  const missing = needs[v.vimType]?.(v.values) ?? ''
  const field = (f: Field) => {
    const common = { key: f.name, label: f.label, description: f.hint, value: v.values[f.name] ?? f.start ?? '' }
    const put = (x: string) => change({ values: { ...v.values, [f.name]: x } })
    return f.secret ? (
      <PasswordInput {...common} description={[f.hint, 'It is sealed before it is stored, and never shown again.'].filter(Boolean).join(' ')} autoComplete="new-password" onChange={(e) => put(e.currentTarget.value)} />
    ) : (
      <TextInput {...common} autoComplete="off" onChange={(e) => put(e.currentTarget.value)} />
    )
  }
  return (
    <Dialog close={close} title="Register a VIM" size="lg">
      <form
        onSubmit={(e) => {
          e.preventDefault()
          register.mutate()
        }}
      >
        <Stack gap="xs">
          <TextInput label="Name" data-autofocus value={v.vimId} onChange={(e) => change({ vimId: e.currentTarget.value })} />
          <Select label="Type" data={types} value={v.vimType} allowDeselect={false} onChange={(t) => change({ vimType: t ?? types[0]!, values: {} })} />
          {of.map(field)}
          <Switch label="New resources go here unless something else says where" checked={v.default} onChange={(e) => change({ default: e.currentTarget.checked })} />
          {register.isError && <Refusal error={register.error} what="It was not registered" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Do nothing
            </Button>
            {missing && <Text size="sm">{missing}</Text>}
            <Button type="submit" loading={register.isPending} disabled={missing !== ''} title={missing}>
              Register
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
