// The files of a VNFD as the package has them.
import { unzipSync, strFromU8 } from 'fflate'
import { headers, Problem, root, seg } from '../api/http'

/** Reads the VNFD: one text, or an archive of the files it is made of. */
export async function readVnfd(id: string, signal: AbortSignal): Promise<Record<string, string>> {
  const ask = (accept: string) => fetch(`${root}/vnfpkgm/v2/vnf_packages/${seg(id)}/vnfd`, { headers: headers({ Accept: accept }), signal, credentials: 'omit' })
  let res = await ask('text/plain')
  if (res.status === 406) res = await ask('application/zip')
  if (!res.ok) throw new Problem(res.status, res.statusText, ((await res.json().catch(() => ({}))) as { detail?: string }).detail ?? `The server answers ${res.status}.`)
  if (!(res.headers.get('Content-Type') ?? '').includes('zip')) return { vnfd: await res.text() }
  const files = unzipSync(new Uint8Array(await res.arrayBuffer()))
  return Object.fromEntries(Object.entries(files).filter(([name]) => /\.(ya?ml|meta|mf|txt)$/i.test(name)).map(([name, b]) => [name, strFromU8(b)]))
}
