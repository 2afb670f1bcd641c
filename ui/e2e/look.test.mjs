// How every page looks and reads: light, dark and narrow, without serious faults of accessibility. With SHOTS the pictures are kept.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, it } from 'node:test'
import { browse, closeAll, open, Server } from './world.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let browser, server, pages

before(async () => {
  browser = await browse()
  server = await Server.start('--operation-on-failure=INSTANTIATE=hold')
  const vnf = await server.standing('fw-paris')
  await server.ended(await server.begin(vnf, 'scale', { type: 'SCALE_OUT', aspectId: 'sessions' }))
  for (const name of ['fw-ulm', 'fw-oslo', 'fw-turin']) await server.standing(name)
  await server.behave({ delay: '150ms', rules: [{ on: 'create compute', outcome: 'transient', times: 2 }, { on: 'configure', outcome: 'permanent', times: 1 }] }).catch(() => server.behave({ delay: '150ms', rules: [{ on: 'configure', outcome: 'permanent', times: 1 }] }))
  const failing = await server.create('fw-rome')
  const op = await server.begin(failing, 'instantiate', { flavourId: 'standard' })
  assert.equal(await server.ended(op), 'FAILED_TEMP')
  await server.behave({})
  await server.api('POST', '/vnfm/v1/management_connections', { id: 'em', endpointType: 'MGMT', uri: 'http://127.0.0.1:9', for: { vnfProvider: 'nobody' } })
  const pkg = (await server.vnfd()).id
  const scaled = (await server.api('GET', '/vnfm/v1/vnf_lcm_op_occs?filter=(eq,operation,SCALE)')).body[0].vnfLcmOpOccId
  pages = {
    vnfs: ['/ui/vnfs', 'fw-paris'], vnf: [`/ui/vnfs/${vnf}`, '198.1'], resources: [`/ui/vnfs/${vnf}?tab=resources`, 'Machine at the VIM'], story: [`/ui/vnfs/${vnf}?tab=story`, 'Scaled'],
    past: [`/ui/vnfs/${vnf}?at=3`, 'This is the past'], changes: [`/ui/vnfs/${vnf}?tab=changes`, 'Before'], drift: [`/ui/vnfs/${vnf}?tab=drift`, 'Nothing differs from the records'], snapshots: [`/ui/vnfs/${vnf}?tab=snapshots`, 'There is no snapshot'], can: [`/ui/vnfs/${vnf}?tab=can`, 'can be done now'], instantiate: [`/ui/vnfs/${await server.create('fw-new')}?do=INSTANTIATE`, 'External connection points'],
    flavour: [`/ui/vnfs/${vnf}?do=CHANGE_FLAVOUR`, 'New flavour'], modify: [`/ui/vnfs/${vnf}?do=MODIFY_INFO`, 'Names and values of your own'], create: ['/ui/vnfs?create=1', 'Descriptor'],
    ops: ['/ui/ops', 'fw-rome'], op: [`/ui/ops/${op}`, 'configuration'], grant: [`/ui/ops/${op}?tab=grant`, 'decided by'], outcome: [`/ui/ops/${scaled}?tab=outcome`, 'At the VIM'], packages: ['/ui/packages', 'Sample Firewall'], package: [`/ui/packages/${pkg}`, 'log_store'],
    source: [`/ui/packages/${pkg}?tab=source`, 'tosca_definitions_version'], vims: ['/ui/vims', 'Check it now'], management: ['/ui/management', 'Check it now'], register: ['/ui/management?register=1', 'Root of the interfaces'], nfvo: ['/ui/nfvo', 'The last grants'], subscriptions: ['/ui/subscriptions', 'not delivered'],
    system: ['/ui/system', 'The node is ready'], settings: ['/ui/system?tab=settings', 'http-page-size'], audit: ['/ui/system?tab=audit', 'Audit now'], missing: ['/ui/nowhere', 'There is no such page'],
  }
})
afterEach(closeAll)
after(async () => {
  await browser?.close()
  await server?.end()
})

const rules = {
  light: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
  // The page is the same: what differs is its colours, and its size.
  dark: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
  narrow: { type: 'rule', values: ['color-contrast', 'scrollable-region-focusable', 'target-size', 'button-name', 'aria-hidden-focus', 'landmark-one-main', 'page-has-heading-one'] },
}

/** What is seriously wrong with what is shown. */
async function faults(page, name, way) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { resultTypes: ['violations'], runOnly }), rules[way])
  const found = violations
    .filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${name}: ${v.id} (${v.impact}): ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '').slice(0, 160)).join('\n    ')}`)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  return wide > 1 ? [...found, `${name}: ${wide} px wider than the window`] : found
}

/** What was asked of the page is drawn: dialogs have come, pictures are laid out. */
const still = (page) => page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))).then(r)))))

for (const [size, viewport, schemes] of [['wide', { width: 1280, height: 860 }, ['light', 'dark']], ['narrow', { width: 400, height: 800 }, ['light']]]) {
  it(`${size}, ${schemes.join(' and ')}: every page is read without serious faults, and nothing is wider than it`, async () => {
    const page = await open(browser, server, null, { bypassCSP: true, viewport })
    const found = []
    for (const [name, [path, sign]] of Object.entries(pages)) {
      await page.goto(server.url + path)
      await page.getByText(sign).first().waitFor()
      for (const scheme of schemes) {
        await page.emulateMedia({ colorScheme: scheme })
        await page.waitForFunction((s) => document.documentElement.dataset.mantineColorScheme === s, scheme)
        await still(page)
        const way = size === 'narrow' ? size : scheme
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${way}.png` })
        let wrong = await faults(page, `${name}, ${way}`, way)
        if (wrong.length > 0) { // a change of colours in place may show some of the other for a moment; what is wrong is so when the page is read anew
          await page.reload()
          await page.getByText(sign).first().waitFor()
          await still(page)
          wrong = await faults(page, `${name}, ${way}`, way)
        }
        found.push(...wrong)
      }
    }
    assert.equal(found.join('\n'), '')
    await page.end()
  })
}
