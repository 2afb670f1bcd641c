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
  const pkg = (await server.vnfd()).id
  pages = {
    vnfs: ['/ui/vnfs', 'fw-paris'], vnf: [`/ui/vnfs/${vnf}`, '198.1'], resources: [`/ui/vnfs/${vnf}?tab=resources`, 'Machine at the VIM'], story: [`/ui/vnfs/${vnf}?tab=story`, 'Scaled'],
    past: [`/ui/vnfs/${vnf}?at=3`, 'This is the past'], changes: [`/ui/vnfs/${vnf}?tab=changes`, 'Before'], can: [`/ui/vnfs/${vnf}?tab=can`, 'can be done now'], instantiate: [`/ui/vnfs/${await server.create('fw-new')}?do=INSTANTIATE`, 'External connection points'],
    ops: ['/ui/ops', 'fw-rome'], op: [`/ui/ops/${op}`, 'configuration'], grant: [`/ui/ops/${op}?tab=grant`, 'decided by'], packages: ['/ui/packages', 'Sample Firewall'], package: [`/ui/packages/${pkg}`, 'log_store'],
    source: [`/ui/packages/${pkg}?tab=source`, 'tosca_definitions_version'], vims: ['/ui/vims', 'Check it now'], nfvo: ['/ui/nfvo', 'The last grants'], subscriptions: ['/ui/subscriptions', 'not delivered'],
    system: ['/ui/system', 'The node is ready'], settings: ['/ui/system?tab=settings', 'http-page-size'],
  }
})
afterEach(closeAll)
after(async () => {
  await browser?.close()
  await server?.end()
})

const ways = {
  light: {}, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 400, height: 800 } },
}

for (const [way, options] of Object.entries(ways)) {
  it(`${way}: every page is read without serious faults, and nothing is wider than it`, async () => {
    const page = await open(browser, server, null, { bypassCSP: true, ...options })
    const found = []
    for (const [name, [path, sign]] of Object.entries(pages)) {
      await page.goto(server.url + path)
      await page.getByText(sign).first().waitFor()
      await page.waitForTimeout(350) // pictures are laid out, dialogs have come
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${way}.png` })
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }))
      for (const v of violations.filter((v) => ['serious', 'critical'].includes(v.impact)))
        found.push(`${name}: ${v.id} (${v.impact}): ${v.help}\n    ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '').slice(0, 160)).join('\n    ')}`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (wide > 1) found.push(`${name}: ${wide} px wider than the window`)
    }
    assert.equal(found.join('\n'), '')
    await page.end()
  })
}

it('is used by keyboard alone', async () => {
  const page = await open(browser, server, '/ui/vnfs')
  await page.getByRole('link', { name: 'fw-paris' }).waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the page')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main')
  await page.getByRole('link', { name: 'fw-paris' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('slider', { name: 'Moment of the past' }).focus()
  await page.keyboard.press('ArrowLeft')
  await page.getByText('This is the past').waitFor()
  await page.getByRole('tab', { name: 'Topology' }).focus()
  await page.keyboard.press('ArrowRight')
  await page.getByRole('table', { name: 'VNFCs' }).waitFor()
  await page.end()
})
