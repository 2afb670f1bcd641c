// The dialog of an operation on a VNF. It shows what the operation would do (the dry run) before it is begun, and names the VNF.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type ComponentType } from 'react'
import { idOf, request } from '../api/http'
import type { Plan, Vnf, Vnfd } from '../api/types'
import { Dialog } from '../parts/dialog'
import { Loading, Note, Refusal } from '../parts/feedback'
import type { Values } from '../parts/schema'
import { first } from '../parts/text'
import type { Action } from './actions'
import { Modify, Repair, ToFlavour, ToPackage } from './changeforms'
import { flavourOf, Params, paramsOf, type FormProps, type Said } from './form'
import { Heal, Instantiate, Reconnect, Scale, StopOrStart, Terminate, ToLevel } from './forms'
import { PlanView } from './plan'

export type Operation = Exclude<Action, 'CLEANUP' | 'DELETE'>

interface Task {
  task: string
  word: string
  form: ComponentType<FormProps>
  /** It has the parameters that the flavour declares among its own fields. */
  params?: boolean
  /** It is a task of ours, and not SOL003's. */
  own?: boolean
}

const tasks: Record<Operation, Task> = {
  INSTANTIATE: { task: 'instantiate', word: 'Instantiate', form: Instantiate, params: true },
  SCALE: { task: 'scale', word: 'Scale', form: Scale },
  SCALE_TO_LEVEL: { task: 'scale_to_level', word: 'Scale to a level', form: ToLevel },
  HEAL: { task: 'heal', word: 'Heal', form: Heal },
  SYNC: { task: 'sync', word: 'Repair', form: Repair, own: true, params: true },
  CHANGE_EXT_CONN: { task: 'change_ext_conn', word: 'Connect in another way', form: Reconnect },
  CHANGE_FLAVOUR: { task: 'change_flavour', word: 'Change the flavour', form: ToFlavour, params: true },
  CHANGE_VNFPKG: { task: 'change_vnfpkg', word: 'Change the package', form: ToPackage, params: true },
  OPERATE: { task: 'operate', word: 'Stop or start', form: StopOrStart },
  MODIFY_INFO: { task: '', word: 'Modify', form: Modify, params: true },
  TERMINATE: { task: 'terminate', word: 'Terminate', form: Terminate },
}

export const isOperation = (s: unknown): s is Operation => typeof s === 'string' && s in tasks

interface Props {
  vnf: Vnf
  vnfd: Vnfd
  operation: Operation
  /** Why it cannot be done now; "" when it can. An address may lead here all the same. */
  not: string
  close: () => void
  begun: (op: string) => void
}

export function Operate({ vnf, vnfd, operation, not, close, begun }: Props) {
  const { task, word, form: Form, params, own } = tasks[operation]
  const name = vnf.vnfInstanceName || first(vnf.id)
  const flavour = flavourOf({ vnf, vnfd })
  const [said, say] = useState<Said>({ missing: 'Fill in the form.' })
  const [extra, setExtra] = useState<Values>({})
  const key = useRef('')
  const queries = useQueryClient()
  const dry = useMutation({
    mutationFn: async (body: object) => (await request<Plan>('POST', `/vnfm/v1/vnf_instances/${vnf.id}/plan`, { body: { operation, request: body } })).body,
  })
  const begin = useMutation({
    mutationFn: (body: object) =>
      task === ''
        ? request('PATCH', `/vnflcm/v2/vnf_instances/${vnf.id}`, { body, type: 'application/merge-patch+json', key: (key.current ||= crypto.randomUUID()) })
        : request('POST', `${own ? '/vnfm/v1' : '/vnflcm/v2'}/vnf_instances/${vnf.id}/${task}`, { body, key: (key.current ||= crypto.randomUUID()) }),
    onSuccess: (r) => {
      void queries.invalidateQueries({ queryKey: ['vnf', vnf.id] })
      if (r.location) begun(idOf(r.location))
      else close() // there is nothing to repair any more
    },
  })
  const anew = () => {
    key.current = ''
    dry.reset()
    begin.reset()
  }
  const declared = params ? {} : paramsOf(flavour, operation, extra)
  const missing = 'missing' in said ? said.missing : declared.missing
  const body = 'body' in said && !missing ? (declared.value ? { ...said.body, additionalParams: { ...declared.value, ...(said.body.additionalParams as object) } } : said.body) : undefined
  // Who changes what a VNF is called sees it in the form: there is nothing to plan.
  const ready = task === '' || dry.data !== undefined
  return (
    <Dialog close={close} title={`${word}: ${name}`} size="xl">
      {not ? (
        <Note kind="warn" title="It cannot be done now">
          {not}
        </Note>
      ) : (
        <form
          onSubmit={(e) => {
            e.preventDefault()
            if (body && !ready) dry.mutate(body) // Enter in a field shows; only the button does it
          }}
        >
          <Stack>
            <Form
              vnf={vnf}
              vnfd={vnfd}
              say={(s) => {
                anew()
                say(s)
              }}
            />
            {!params && (
              <Params
                flavour={flavour}
                operation={operation}
                values={extra}
                set={(v) => {
                  anew()
                  setExtra(v)
                }}
              />
            )}
            {dry.isPending && <Loading what="Planning" />}
            {dry.isError && <Refusal error={dry.error} what="It would be refused" />}
            {dry.data && <PlanView plan={dry.data} />}
            {begin.isError && <Refusal error={begin.error} what="It was not begun" />}
            <Group justify="flex-end">
              {missing && <Text size="sm">{missing}</Text>}
              <Button variant="default" onClick={close}>
                Do nothing
              </Button>
              {ready ? (
                <Button key="do" className={operation === 'TERMINATE' ? 'danger' : undefined} disabled={!body} loading={begin.isPending} onClick={() => begin.mutate(body!)}>
                  {word} {name}
                </Button>
              ) : (
                <Button key="show" type="submit" disabled={!body} loading={dry.isPending}>
                  Show what it would do
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  )
}
