import { Button, FileInput, Group, Progress, Stack, Text } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useGoTo, useTurn, useWords } from '../address'
import { headers, Problem, query, request, root } from '../api/http'
import type { Pkg } from '../api/types'
import { Dialog } from '../parts/dialog'
import { Empty, Loading, Refusal } from '../parts/feedback'
import { FilterBar } from '../parts/filterbar'
import { Pages, type PageSearch } from '../parts/paging'
import { State } from '../parts/state'
import { Rows } from '../parts/table'
import { bytes, Id, To } from '../parts/text'
import { useSession } from '../session'
import { Heading } from '../shell'

const attributes = [
  { name: 'vnfProductName' }, { name: 'vnfProvider' }, { name: 'vnfdId' }, { name: 'vnfSoftwareVersion' },
  { name: 'onboardingState', values: ['CREATED', 'UPLOADING', 'PROCESSING', 'ONBOARDED', 'ERROR'] },
  { name: 'operationalState', values: ['ENABLED', 'DISABLED'] },
  { name: 'usageState', values: ['IN_USE', 'NOT_IN_USE'] },
]

export function PackageList() {
  const search = useWords<PageSearch & { filter?: string; upload?: string }>()
  const turn = useTurn()
  const go = useGoTo()
  const session = useSession()
  const lacks = session.lacks('packages:write')
  const list = useQuery({
    queryKey: ['packages', search.filter, search.page],
    queryFn: ({ signal }) => request<Pkg[]>('GET', '/vnfpkgm/v2/vnf_packages' + query({ filter: search.page ? undefined : search.filter, nextpage_opaque_marker: search.page }), { signal }),
    placeholderData: keepPreviousData,
  })
  const packages = list.data?.body ?? []
  return (
    <>
      <Heading title="Packages">
        <Button onClick={() => turn({ upload: '1' })} disabled={lacks !== ''} title={lacks}>
          Upload a package
        </Button>
      </Heading>
      <FilterBar value={search.filter ?? ''} plain="vnfProductName" attributes={attributes} saved={[{ label: 'Not onboarded', filter: '(neq,onboardingState,ONBOARDED)' }]} set={(filter) => turn({ filter: filter || undefined, page: undefined, n: undefined })} />
      {list.isError && <Refusal error={list.error} what="The packages could not be listed" retry={() => void list.refetch()} />}
      {list.isPending && <Loading what="Reading the packages" />}
      {list.data && packages.length === 0 && (
        <Empty title={search.filter ? 'No package is like that' : 'There is no package yet'}>
          A package (CSAR, SOL004) has the descriptor that VNFs are made by, and its images. Upload one here, or from the command line: <span className="mono">vnfm package onboard FILE</span>
        </Empty>
      )}
      {packages.length > 0 && (
        <Rows
          label="Packages"
          head={['Product', 'Version', 'Provider', 'Onboarding', 'State', 'Use', 'Id']}
          rows={packages.map((p) => [
            <To key="p" to={`/packages/${p.id}`}>
              {p.vnfProductName ?? 'not onboarded'}
            </To>,
            p.vnfSoftwareVersion ?? '',
            p.vnfProvider ?? '',
            <State key="o" state={p.onboardingState} size="sm" />,
            <State key="s" state={p.operationalState} size="sm" />,
            <State key="u" state={p.usageState} size="sm" />,
            <Id key="i" id={p.id} />,
          ])}
        />
      )}
      <Pages search={search} next={list.data?.next} count={packages.length} what="packages" />
      {search.upload && <Upload close={() => turn({ upload: undefined })} done={(id) => void turn({ upload: undefined }, true).then(() => go(`/packages/${id}`))} />}
    </>
  )
}

/** Uploads a package: makes its record, then sends its content, whose progress is shown. */
function Upload({ close, done }: { close: () => void; done: (id: string) => void }) {
  const [file, setFile] = useState<File | null>(null)
  const [sent, setSent] = useState<number | null>(null)
  const [error, setError] = useState<unknown>(null)
  const made = useRef('')
  const key = useRef(crypto.randomUUID())
  const queries = useQueryClient()
  async function upload() {
    setError(null)
    setSent(0)
    try {
      made.current ||= (await request<Pkg>('POST', '/vnfpkgm/v2/vnf_packages', { body: {}, key: key.current })).body.id
      await put(`${root}/vnfpkgm/v2/vnf_packages/${made.current}/package_content`, file!, setSent)
      void queries.invalidateQueries({ queryKey: ['packages'] })
      done(made.current)
    } catch (err) {
      setError(err)
      setSent(null)
    }
  }
  return (
    <Dialog close={close} title="Upload a package">
      <Stack>
        <FileInput label="Package" description="A CSAR (.csar or .zip)" accept=".csar,.zip" value={file} onChange={setFile} placeholder="Choose a file" clearable />
        {sent !== null && file && (
          <div role="status">
            <Text size="sm">
              {bytes(sent)} of {bytes(file.size)} sent
            </Text>
            <Progress value={(100 * sent) / Math.max(1, file.size)} aria-label="Sent" />
          </div>
        )}
        {error !== null && <Refusal error={error} what="It was not uploaded" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button disabled={!file} loading={sent !== null} onClick={() => void upload()}>
            Upload
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}

/** PUT of a file. Only this old interface tells how much was sent. */
function put(uri: string, file: File, progress: (sent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('PUT', uri)
    for (const [k, v] of Object.entries(headers({ 'Content-Type': 'application/zip', Accept: 'application/problem+json' }))) x.setRequestHeader(k, v)
    x.upload.onprogress = (e) => progress(e.loaded)
    x.onerror = () => reject(new Problem(0, 'No answer', 'The connection broke. Upload it again.'))
    x.onload = () => {
      if (x.status < 300) return resolve()
      let p: { title?: string; detail?: string } = {}
      try {
        p = JSON.parse(x.responseText) as typeof p
      } catch {
        // not ours
      }
      reject(new Problem(x.status, p.title ?? x.statusText, p.detail ?? `The server answers ${x.status}.`))
    }
    x.send(file)
  })
}
