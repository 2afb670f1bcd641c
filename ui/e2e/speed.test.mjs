// How fast the console is, by the browser's own figures: what is transferred first, the first view, 10,000 VNFs, an operation of
// 1,000 resources. The figures are printed: no test depends on how busy the machine is. Bytes do not, and are bounded.
import assert from 'node:assert/strict'
import { after, afterEach, before, it } from 'node:test'
import { browse, closeAll, open, Server } from './world.mjs'

const many = Number(process.env.VNFS ?? 1000)
let browser, server

before(async () => {
  browser = await browse()
  server = await Server.start()
})
afterEach(closeAll)
after(async () => {
  await browser?.close()
  await server?.end()
})

/** The longest the page was busy with one thing since it was asked last, in ms. */
const watchBusy = (page) =>
  page.addInitScript(() => {
    window.longest = 0
    new PerformanceObserver((l) => l.getEntries().forEach((e) => (window.longest = Math.max(window.longest, e.duration)))).observe({ type: 'longtask', buffered: true })
  })
const busy = (page) => page.evaluate(() => { const n = window.longest; window.longest = 0; return Math.round(n) })

it('transfers little first, and shows the first view soon', async (t) => {
  await server.create('fw-first')
  const page = await open(browser, server, null)
  await page.goto(server.url + '/ui/vnfs')
  await page.getByRole('link', { name: 'fw-first' }).waitFor()
  const seen = await page.evaluate(() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((e) => !e.name.includes('/vnfm/v1/events'))
    return { bytes: all.reduce((n, e) => n + e.transferSize, 0), files: all.length, view: Math.round(performance.now()), paint: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0) }
  })
  t.diagnostic(`first transfer ${Math.round(seen.bytes / 1024)} kB in ${seen.files} requests; first paint ${seen.paint} ms, first row before ${seen.view} ms`)
  assert.ok(seen.bytes <= 350_000, `${seen.bytes} bytes`)
  await page.reload()
  await page.getByRole('link', { name: 'fw-first' }).waitFor()
  const again = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((n, e) => n + e.transferSize, 0))
  t.diagnostic(`the second time ${Math.round(again / 1024)} kB`)
  assert.ok(again < 30_000, `${again} bytes the second time`)
  await page.end()
})

it(`lists ${many} VNFs without jank`, async (t) => {
  const vnfdId = (await server.vnfd()).vnfdId
  for (let i = 0; i < many; i += 50)
    await Promise.all(Array.from({ length: Math.min(50, many - i) }, (_, k) => server.api('POST', '/vnflcm/v2/vnf_instances', { vnfdId, vnfInstanceName: `vnf-${String(i + k).padStart(5, '0')}` })))
  const page = await open(browser, server, null)
  await watchBusy(page)
  await page.goto(server.url + '/ui/vnfs?sort=-vnfInstanceName')
  await page.getByRole('link', { name: `vnf-${String(many - 1).padStart(5, '0')}` }).waitFor()
  t.diagnostic(`${many} VNFs: first page after ${await page.evaluate(() => Math.round(performance.now()))} ms, longest task ${await busy(page)} ms`)
  let worst = 0
  for (let n = 1; n <= 5; n++) {
    const begun = Date.now()
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.getByText(`Page ${n + 1}: 100 VNFs`).waitFor()
    worst = Math.max(worst, Date.now() - begun)
  }
  const long = await busy(page)
  t.diagnostic(`the next page within ${worst} ms, longest task ${long} ms`)
  const begun = Date.now()
  await page.getByLabel('Filter').first().fill('vnf-007')
  await page.getByLabel('Filter').first().press('Enter')
  await page.getByRole('link', { name: 'vnf-00799' }).first().waitFor()
  t.diagnostic(`a filter over all after ${Date.now() - begun} ms`)
  await page.end()
})

it('draws an operation of 1,000 resources, and answers within 100 ms', async (t) => {
  const vnf = await server.standing('fw-large')
  const op = (await server.api('GET', '/vnfm/v1/vnf_lcm_op_occs?sort=-startTime')).body.find((o) => o.vnfInstanceId === vnf).vnfLcmOpOccId
  // The documents of a real operation with its resources a hundred times: what is measured is the drawing.
  const id = (i, k) => `${i}`.padEnd(8, '0') + '-' + k
  const grown = {
    saga: (s) => ({
      ...s,
      stages: s.stages.map((g) => ({ ...g, items: g.items.flatMap((x) => (x.item ? Array.from({ length: 100 }, (_, k) => ({ ...x, item: id(x.item, k), result: undefined })) : [x])) })),
      attempts: s.attempts.flatMap((a) => (a.item ? Array.from({ length: 100 }, (_, k) => ({ ...a, commandId: id(a.commandId, k), item: id(a.item, k), result: undefined })) : [a])),
    }),
    progress: (p) => ({ ...p, resources: p.resources.flatMap((r) => Array.from({ length: 100 }, (_, k) => ({ ...r, id: id(r.id, k), name: `${r.name}-${k}` }))) }),
  }
  const page = await open(browser, server, null)
  await watchBusy(page)
  const pass = (change) => async (route) => route.fulfill({ json: change(await (await route.fetch()).json()) })
  await page.route('**/vnfm/v1/sagas/*', pass(grown.saga))
  await page.route('**/vnf_lcm_op_occs/*/progress', pass(grown.progress))
  await page.goto(`${server.url}/ui/ops/${op}`)
  await page.getByRole('table', { name: '1101 lanes' }).waitFor()
  t.diagnostic(`1,100 resources: drawn with ${await page.locator('.lane').count()} lanes in the page, longest task ${await busy(page)} ms`)
  const answers = await page.evaluate(async () => {
    const box = document.querySelector('.lanes-box')
    const frame = () => new Promise((r) => requestAnimationFrame(() => setTimeout(r)))
    const out = { scroll: [], click: [] }
    for (let i = 1; i <= 30; i++) {
      const begun = performance.now()
      box.scrollTop = (box.scrollHeight * ((i * 7) % 30)) / 30
      await frame()
      out.scroll.push(performance.now() - begun)
    }
    for (let i = 0; i < 10; i++) {
      const bars = document.querySelectorAll('.bar')
      const begun = performance.now()
      bars[i].click()
      await frame()
      out.click.push(performance.now() - begun)
    }
    const mid = (l) => Math.round(l.sort((a, b) => a - b)[Math.floor(l.length / 2)])
    return { scroll: mid(out.scroll), click: mid(out.click), worst: Math.round(Math.max(...out.scroll, ...out.click)) }
  })
  t.diagnostic(`it answers to scrolling in ${answers.scroll} ms and to a click in ${answers.click} ms (medians, the frame included), at worst ${answers.worst} ms`)
  assert.ok((await page.locator('.lane').count()) < 100) // only those in sight are drawn
  await page.end()
})
