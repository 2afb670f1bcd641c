// A real server and a real browser for the tests.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import { chromium } from 'playwright-core'

const vnfmd = process.env.VNFMD ?? '../bin/vnfmd'
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

async function freePort() {
  const s = createServer()
  await new Promise((r) => s.listen(0, '127.0.0.1', r))
  const { port } = s.address()
  await new Promise((r) => s.close(r))
  return port
}

/** A server with its own data. args are more of its flags; it can be stopped and started again on the same data and port. */
export class Server {
  static async start(...args) {
    const s = new Server()
    s.port = await freePort()
    s.url = `http://127.0.0.1:${s.port}`
    s.data = mkdtempSync(join(tmpdir(), 'vnfm-ui-'))
    s.args = ['dev', `--listen=127.0.0.1:${s.port}`, `--data=${s.data}`, '--log-level=warn', ...args]
    await s.run()
    return s
  }

  async run() {
    this.log = ''
    this.process = spawn(vnfmd, this.args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (b) => (this.log = (this.log + b).slice(-20000))
    this.process.stdout.on('data', keep)
    this.process.stderr.on('data', keep)
    await until(async () => (await fetch(this.url + '/readyz')).ok, 60_000, () => `the server is not ready:\n${this.log}`)
  }

  async kill(signal = 'SIGKILL') {
    const ended = new Promise((r) => this.process.once('exit', r))
    this.process.kill(signal)
    await ended
  }

  async end() {
    await this.kill('SIGTERM')
    rmSync(this.data, { recursive: true, force: true })
  }

  /** Asks the API; a refusal is an error. */
  async api(method, path, body, headers = {}) {
    const res = await fetch(path.startsWith('http') ? path : this.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
    return { body: text && JSON.parse(text), location: res.headers.get('Location') ?? '' }
  }

  async vnfd() {
    return (await this.api('GET', '/vnfpkgm/v2/vnf_packages')).body.find((p) => p.vnfProductName === 'Sample Firewall' && p.vnfSoftwareVersion === '1.0.0')
  }

  /** Creates a VNF by the sample package. */
  async create(name) {
    return (await this.api('POST', '/vnflcm/v2/vnf_instances', { vnfdId: (await this.vnfd()).vnfdId, vnfInstanceName: name })).body.id
  }

  /** Begins an operation and returns its id. */
  async begin(vnf, task, body) {
    return (await this.api('POST', `/vnflcm/v2/vnf_instances/${vnf}/${task}`, body)).location.split('/').pop()
  }

  async ended(op) {
    let state
    await until(async () => ['COMPLETED', 'FAILED', 'FAILED_TEMP', 'ROLLED_BACK'].includes((state = (await this.api('GET', `/vnflcm/v2/vnf_lcm_op_occs/${op}`)).body.operationState)), 60_000, () => `the operation ${op} is ${state}`)
    return state
  }

  /** A VNF that stands. */
  async standing(name) {
    const id = await this.create(name)
    await this.ended(await this.begin(id, 'instantiate', { flavourId: 'standard' }))
    return id
  }

  behave(behaviour) {
    return this.api('PUT', '/vnfm/v1/sim/behaviour', { seed: 1, delay: '0s', rules: [], ...behaviour })
  }
}

/** A VNF that pretends, with its element manager. */
export async function startVnf(...args) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const p = spawn(vnfmd, ['sim-vnf', `--listen=127.0.0.1:${port}`, ...args], { stdio: 'ignore' })
  const ended = new Promise((r) => p.once('exit', r))
  await until(async () => (await fetch(url + '/vnf/v1/behaviour')).ok)
  return { url, end: () => (p.kill('SIGTERM'), ended) }
}

/** Onboards the sample package as its own next version, with another id and other images; change may change its texts, too. */
export async function newer(server, id, change = (text) => text) {
  const files = unzipSync(new Uint8Array(await (await fetch(`${server.url}/vnfpkgm/v2/vnf_packages/${id}/package_content`)).arrayBuffer()))
  for (const [name, content] of Object.entries(files)) {
    if (!/\.(yaml|mf|meta)$/.test(name)) continue
    const text = change(strFromU8(content)).replaceAll('5c1d4a3e-7b1f-4c55-9a52-0f6d7e1a2b30', '5c1d4a3e-7b1f-4c55-9a52-0f6d7e1a2b31').replaceAll('1.0.0', '2.0.0').replaceAll("'1.0'", "'2.0'")
    files[name] = strToU8(/\.mf$/.test(name) ? text.replace(/^Source:[^]*/m, '') : text)
  }
  const pkg = (await server.api('POST', '/vnfpkgm/v2/vnf_packages', {})).body
  const at = `/vnfpkgm/v2/vnf_packages/${pkg.id}`
  await fetch(server.url + at + '/package_content', { method: 'PUT', headers: { 'Content-Type': 'application/zip' }, body: zipSync(files) })
  let now
  await until(async () => ['ONBOARDED', 'ERROR'].includes((now = (await server.api('GET', at)).body).onboardingState))
  if (now.onboardingState !== 'ONBOARDED') throw new Error(JSON.stringify(now.onboardingFailureDetails))
  return now
}

export async function until(holds, ms = 20_000, why = () => 'it does not come true') {
  const end = Date.now() + ms
  for (let last; ; ) {
    try {
      if (await holds()) return
      last = undefined
    } catch (err) {
      last = err
    }
    if (Date.now() > end) throw new Error(why() + (last ? `: ${last}` : ''))
    await new Promise((r) => setTimeout(r, 50))
  }
}

export const browse = () => chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })

const pages = new Set()

/** Closes the pages of a test that failed, after a picture of each was put where SHOTS says. */
export async function closeAll() {
  for (const page of pages) {
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/failed-${pages.size}-${Date.now()}.png` }).catch(() => {})
    await page.context().close()
  }
  pages.clear()
}

/** A page that fails its test when a script fails, something leaves the site, or a cookie is set. */
export async function open(browser, server, path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', colorScheme: 'light', reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.faults = []
  page.on('pageerror', (e) => page.faults.push(`script: ${e.message}`))
  page.on('console', (m) => {
    if (m.type() === 'error' && !/Failed to load resource|net::ERR/.test(m.text())) page.faults.push(`console: ${m.text()}`)
  })
  page.on('request', (r) => {
    if (!r.url().startsWith(server.url) && !r.url().startsWith('data:') && !(options.also ?? []).some((o) => r.url().startsWith(o))) page.faults.push(`leaves the site: ${r.url()}`)
  })
  page.end = async () => {
    pages.delete(page)
    const cookies = await context.cookies()
    await context.close()
    if (cookies.length) page.faults.push(`cookies: ${JSON.stringify(cookies)}`)
    if (page.faults.length) throw new Error(page.faults.join('\n'))
  }
  page.setDefaultTimeout(Number(process.env.PATIENCE ?? 20_000))
  pages.add(page)
  if (path) await page.goto(server.url + path)
  return page
}
