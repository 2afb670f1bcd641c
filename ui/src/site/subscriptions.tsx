import { Button, SegmentedControl, Stack, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTurn, useWords } from '../address'
import { all, query, request } from '../api/http'
import type { Notification, Subscription } from '../api/types'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { first, Id, Time, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'

/** Who wants to hear of changes, and what they have not got. */
export function SubscriptionsPage() {
  const { state } = useWords<{ state?: string }>()
  const turn = useTurn()
  const session = useSession()
  const queries = useQueryClient()
  const subscriptions = useQuery({ queryKey: ['subscriptions', 'all'], queryFn: ({ signal }) => all<Subscription>('/vnflcm/v2/subscriptions', 500, signal) })
  const notifications = useQuery({ queryKey: ['subscriptions', 'notifications', state], queryFn: ({ signal }) => all<Notification>('/vnfm/v1/notifications' + query({ state }), 500, signal), refetchInterval: 5000 })
  const retry = useMutation({
    mutationFn: (id: string) => request('POST', `/vnfm/v1/notifications/${id}/retry`, { key: crypto.randomUUID() }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['subscriptions'] }),
  })
  const lacks = session.lacks('site:operate')
  return (
    <>
      <Heading title="Subscriptions" />
      <Stack>
        {subscriptions.isError && <Refusal error={subscriptions.error} what="The subscriptions could not be read" />}
        {subscriptions.isPending && <Loading what="Reading the subscriptions" />}
        {subscriptions.data?.length === 0 && (
          <Empty title="Nobody has subscribed">
            Orchestrators and element managers subscribe over SOL003 (<span className="mono">POST /vnflcm/v2/subscriptions</span>), or you do for them: <span className="mono">vnfm subscription create</span>. A caller sees its own.
          </Empty>
        )}
        {(subscriptions.data?.length ?? 0) > 0 && (
          <Rows label="Subscriptions" head={['Id', 'Called back at', 'Filter']} rows={subscriptions.data!.map((s) => [<Id key="i" id={s.id} />, <span key="c" className="wrap">{s.callbackUri}</span>, <span key="f" className="mono wrap">{s.filter ? JSON.stringify(s.filter) : 'all'}</span>])} />
        )}
        <Title order={2} size="h4">
          Notifications that are not delivered
        </Title>
        <SegmentedControl aria-label="State" data={[{ value: '', label: 'All' }, { value: 'PENDING', label: 'Pending' }, { value: 'FAILED', label: 'Given up' }]} value={state ?? ''} onChange={(s) => turn({ state: s || undefined })} maw={360} />
        {notifications.isError && <Refusal error={notifications.error} what="The notifications could not be read" />}
        {retry.isError && <Refusal error={retry.error} what="It is not sent again" />}
        {notifications.data && (
          <Rows
            label="Notifications"
            head={['State', 'What', 'VNF', 'Made', 'Tries', 'Why', '']}
            rows={notifications.data.map((n) => [
              <State key="s" state={n.state} size="sm" />,
              `${n.notificationType.replace('Notification', '')} ${n.operationState ?? ''}`,
              <To key="v" to={`/vnfs/${n.vnfInstanceId}`}>{first(n.vnfInstanceId)}</To>,
              <Time key="t" at={n.created} />,
              n.attempts,
              <span key="r" className="wrap">{n.reason}</span>,
              <Button key="b" size="compact-xs" variant="default" disabled={lacks !== ''} title={lacks} loading={retry.isPending && retry.variables === n.id} onClick={() => retry.mutate(n.id)}>
                Send again
              </Button>,
            ])}
            empty="Every subscriber has what it should have."
          />
        )}
      </Stack>
    </>
  )
}
