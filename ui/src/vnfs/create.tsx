import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { get, request } from '../api/http'
import type { Pkg, Vnf } from '../api/types'
import { Dialog } from '../parts/dialog'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { To } from '../parts/text'

/** The form by which a VNF is created. It holds nothing at a VIM before it is instantiated. */
export function CreateVnf({ close, created }: { close: () => void; created: (id: string) => void }) {
  const [vnfd, setVnfd] = useState<string | null>(null)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const key = useRef(crypto.randomUUID())
  const packages = useQuery({ queryKey: ['packages', 'known'], queryFn: ({ signal }) => get<Pkg[]>('/vnfpkgm/v2/vnf_packages', signal) })
  const usable = (packages.data ?? []).filter((p) => p.onboardingState === 'ONBOARDED' && p.operationalState === 'ENABLED')
  const chosen = vnfd ?? usable[0]?.vnfdId ?? null
  const create = useMutation({
    mutationFn: async () =>
      (await request<Vnf>('POST', '/vnflcm/v2/vnf_instances', { key: key.current, body: { vnfdId: chosen, vnfInstanceName: name || undefined, vnfInstanceDescription: description || undefined } })).body,
    onSuccess: (v) => created(v.id),
  })
  return (
    <Dialog close={close} title="Create a VNF">
      {packages.isPending && <Loading what="Reading the packages" />}
      {packages.isError && <Refusal error={packages.error} what="The packages could not be read" />}
      {packages.data && usable.length === 0 && (
        <Empty title="There is no package to create it by">
          Onboard one on the page <To to="/packages">Packages</To>, and enable it.
        </Empty>
      )}
      {usable.length > 0 && (
        <form
          onSubmit={(e) => {
            e.preventDefault()
            create.mutate()
          }}
        >
          <Stack>
            <Select
              label="Descriptor"
              data={usable.map((p) => ({ value: p.vnfdId!, label: `${p.vnfProductName} ${p.vnfSoftwareVersion} (${p.vnfProvider}, VNFD ${p.vnfdVersion})` }))}
              value={chosen}
              allowDeselect={false}
              onChange={(v) => {
                key.current = crypto.randomUUID()
                setVnfd(v)
              }}
            />
            <TextInput label="Name" data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
            <TextInput label="Description" value={description} onChange={(e) => setDescription(e.currentTarget.value)} />
            {create.isError && <Refusal error={create.error} what="It was not created" />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Do nothing
              </Button>
              <Button type="submit" loading={create.isPending}>
                Create
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  )
}
