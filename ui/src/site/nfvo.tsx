import { Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { all, get, query } from '../api/http'
import type { Grant, OpSummary, System, VnfSummary } from '../api/types'
import { Loading, Note, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { first, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'

/** What the NFVO is asked for, and how it answers. */
export function NfvoPage() {
  const session = useSession()
  const system = useQuery({ queryKey: ['site', 'system'], queryFn: ({ signal }) => get<System>('/vnfm/v1/system', signal), enabled: session.may('site:administer'), staleTime: 30_000 })
  const waiting = useQuery({ queryKey: ['ops', 'starting'], queryFn: ({ signal }) => all<OpSummary>('/vnfm/v1/vnf_lcm_op_occs' + query({ filter: '(eq,operationState,STARTING)', sort: '-startTime' }), 100, signal) })
  const recent = useQuery({ queryKey: ['ops', 'recent'], queryFn: ({ signal }) => get<OpSummary[]>('/vnfm/v1/vnf_lcm_op_occs' + query({ sort: '-startTime' }), signal) })
  const ids = [...new Set([...(waiting.data ?? []), ...(recent.data ?? []).slice(0, 10)].map((o) => o.vnfLcmOpOccId))]
  const grants = useQuery({
    queryKey: ['ops', 'grants', ids],
    queryFn: async ({ signal }) => new Map(await Promise.all(ids.map(async (id) => [id, await get<Grant>(`/vnfm/v1/vnf_lcm_op_occs/${id}/grant`, signal).catch(() => null)] as const))),
    enabled: ids.length > 0,
  })
  const vnfIds = [...new Set([...(waiting.data ?? []), ...(recent.data ?? []).slice(0, 10)].map((o) => o.vnfInstanceId))].sort()
  const names = useQuery({
    queryKey: ['vnfs', 'names', vnfIds],
    queryFn: ({ signal }) => get<VnfSummary[]>('/vnfm/v1/vnf_instances' + query({ filter: `(in,id,${vnfIds.join(',')})` }), signal),
    enabled: vnfIds.length > 0,
  })
  const nameOf = (id: string) => names.data?.find((v) => v.id === id)?.vnfInstanceName || first(id)
  const settings = (system.data?.settings ?? []).filter((s) => s.name.startsWith('nfvo-'))
  const url = settings.find((s) => s.name === 'nfvo-url')?.value
  const rows = (ops: OpSummary[]) =>
    ops.map((o) => {
      const g = grants.data?.get(o.vnfLcmOpOccId)
      return [
        <To key="o" to={`/ops/${o.vnfLcmOpOccId}`} search={{ tab: 'grant' }}>
          {o.operation} {first(o.vnfLcmOpOccId)}
        </To>,
        <To key="v" to={`/vnfs/${o.vnfInstanceId}`}>
          {nameOf(o.vnfInstanceId)}
        </To>,
        g ? <State key="s" state={g.state} size="sm" /> : 'not asked',
        g ? (g.decider === 'NFVO' ? 'the NFVO' : 'our own policy') : '',
        g?.reason ?? '',
        g?.nextTry ? <Time key="n" at={g.nextTry} /> : '',
      ]
    })
  const head = ['Operation', 'VNF', 'Grant', 'Decided by', 'Why', 'Next try']
  return (
    <>
      <Heading title="NFVO" />
      <Stack>
        {system.data &&
          (url ? (
            <Note kind="info" title="An orchestrator grants">
              {url}
            </Note>
          ) : (
            <Note kind="info" title="No orchestrator is set">
              Our own policy grants every operation. Set <span className="mono">nfvo-url</span> to ask an NFVO over SOL003, and <span className="mono">nfvo-packages</span> to have its packages.
            </Note>
          ))}
        <Title order={2} size="h4">
          Operations that wait for a grant
        </Title>
        {waiting.isError && <Refusal error={waiting.error} what="They could not be read" />}
        {waiting.isPending ? <Loading what="Reading" /> : <Rows label="Operations that wait for a grant" head={head} rows={rows(waiting.data ?? [])} empty="None waits." />}
        <Title order={2} size="h4">
          The last grants
        </Title>
        <Rows label="The last grants" head={head} rows={rows((recent.data ?? []).slice(0, 10))} empty="There was none yet." />
        {settings.length > 0 && (
          <>
            <Title order={2} size="h4">
              Settings
            </Title>
            <Rows label="Settings of the NFVO" head={['Setting', 'Value']} rows={settings.map((s) => [<span key="n" className="mono">{s.name}</span>, <span key="v" className="mono wrap">{s.value || '–'}</span>])} />
          </>
        )}
        {!session.may('site:administer') && <Text size="sm">The settings are for the role admin.</Text>}
      </Stack>
    </>
  )
}
