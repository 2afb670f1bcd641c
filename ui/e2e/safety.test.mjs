// What an attacker would try, and what a slow server looks like.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, it } from 'node:test'
import { browse, closeAll, newer, open, Server, until } from './world.mjs'

let browser, server
const bait = `<img src=x onerror="window.caught=1"><script>window.caught=2</script>`

before(async () => {
  browser = await browse()
  server = await Server.start('--operation-on-failure=INSTANTIATE=hold')
})
afterEach(closeAll)
after(async () => {
  await browser?.close()
  await server?.end()
})

describe('another site', () => {
  it('cannot act as somebody: there is no cookie, and what a browser sends from there is refused', async () => {
    const vnf = await server.create('fw-safe')
    // The server asks nobody here, which is the best case for an attacker: a form, a script with and without CORS, a picture, a frame.
    const evil = createServer((req, res) => {
      res.setHeader('Content-Type', 'text/html')
      res.end(`<form method=post enctype="text/plain" action="${server.url}/vnflcm/v2/vnf_instances/${vnf}/instantiate"><input name='{"flavourId":"standard","x":"' value='"}'></form><iframe src="${server.url}/ui/vnfs"></iframe>`)
    })
    await new Promise((r) => evil.listen(0, '127.0.0.1', r))
    const at = `http://localhost:${evil.address().port}` // another site than 127.0.0.1
    const page = await open(browser, server, null, { also: [at] })
    await page.goto(at)
    const said = await page.evaluate(
      async ([url, id]) => {
        const out = []
        for (const [mode, type] of [['no-cors', 'text/plain'], ['cors', 'application/json']])
          out.push(await fetch(`${url}/vnflcm/v2/vnf_instances/${id}/instantiate`, { method: 'POST', mode, headers: { 'Content-Type': type }, body: '{"flavourId":"standard"}' }).then((r) => r.type + r.status, (e) => e.name))
        out.push(await fetch(`${url}/vnfm/v1/vnf_instances`).then((r) => r.text(), (e) => e.name))
        return out
      },
      [server.url, vnf],
    )
    assert.deepEqual(said, ['opaque0', 'TypeError', 'TypeError'])
    assert.match(await page.frames()[1].evaluate(() => document.body.innerText), /refused to connect/) // it is not shown in frames
    await page.evaluate(() => document.forms[0].submit())
    await page.waitForURL(/instantiate$/)
    await page.getByText(/another site|cross/i).first().waitFor()
    const now = (await server.api('GET', `/vnfm/v1/vnf_instances/${vnf}`)).body
    assert.equal(now.instantiationState, 'NOT_INSTANTIATED')
    assert.equal(now.operationUnderWay, undefined)
    page.faults.length = 0 // the browser tells what it blocked
    await page.end()
    await new Promise((r) => evil.close(r))
  })

  it('finds a policy that loads and runs nothing from elsewhere', async () => {
    const res = await fetch(server.url + '/ui/vnfs')
    const policy = res.headers.get('Content-Security-Policy')
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'self'", "form-action 'none'"]) assert.ok(policy.includes(part), `${part} in ${policy}`)
    assert.ok(!/unsafe-(inline|eval)/.test(policy.replace(/style-src-attr [^;]*/, '')), policy)
    assert.equal(res.headers.get('X-Content-Type-Options'), 'nosniff')
    assert.match(res.headers.get('Referrer-Policy') ?? '', /no-referrer|same-origin/)
    assert.equal(res.headers.get('Set-Cookie'), null)
  })
})

describe('texts of others', () => {
  it('are texts: names of VNFs, words of descriptors, errors', async () => {
    const id = await server.create(bait)
    await server.api('PATCH', `/vnflcm/v2/vnf_instances/${id}`, { vnfInstanceDescription: bait, metadata: { [bait]: bait } }, { 'Content-Type': 'application/merge-patch+json' })
    await until(async () => (await server.api('GET', `/vnfm/v1/vnf_instances/${id}`)).body.vnfInstanceDescription === bait)
    const pkg = await newer(server, (await server.vnfd()).id, (text) => text.replaceAll('One gateway that grows with sessions and with throughput.', bait.replaceAll('"', "'")).replaceAll('Sample Firewall', "<b onclick=1>Sample</b>"))
    const em = `x"><img src=x onerror=window.caught=3>`
    await server.api('POST', '/vnfm/v1/management_connections', { id: 'em', endpointType: 'MGMT', uri: 'https://em.example/', for: { vnfProvider: em }, vnfSpecificData: { a: bait } })
    const page = await open(browser, server, '/ui/vnfs')
    const seen = async (path, text) => {
      await page.goto(server.url + path)
      await page.getByText(text).first().waitFor()
      assert.equal(await page.evaluate(() => window.caught), undefined, path)
      assert.equal(await page.locator('img[src=x], b[onclick]').count(), 0, path)
    }
    await seen('/ui/vnfs', bait)
    for (const tab of ['topology', 'resources', 'story', 'changes', 'can']) await seen(`/ui/vnfs/${id}?tab=${tab}`, bait)
    await seen(`/ui/vnfs/${id}?do=INSTANTIATE`, bait)
    await seen(`/ui/packages/${pkg.id}`, '<b onclick=1>Sample</b>')
    await seen(`/ui/packages/${pkg.id}?tab=source`, 'tosca_definitions_version')
    await seen('/ui/management', em)
    await seen(`/ui/vnfs?filter=${encodeURIComponent(`(eq,${bait},1)`)}`, 'could not be listed')
    await seen(`/ui/ops/${encodeURIComponent(bait)}`, 'could not be read')
    await seen('/ui/vnfs?filter=javascript:window.caught=4', 'could not be listed')
    await page.end()
  })
})

describe('what nobody expected', () => {
  it('a name of 255 characters, texts of thousands and values of 50 kB leave every page readable, wide and narrow', async () => {
    const name = 'n'.repeat(251) + '-end'
    const id = await server.create(name)
    const long = 'word'.repeat(2000)
    await server.api('PATCH', `/vnflcm/v2/vnf_instances/${id}`, { vnfInstanceDescription: long, metadata: { long: 'x'.repeat(50_000), ['k'.repeat(200)]: { deep: [[[[1]]]] } } }, { 'Content-Type': 'application/merge-patch+json' })
    await until(async () => (await server.api('GET', `/vnfm/v1/vnf_instances/${id}`)).body.vnfInstanceDescription === long)
    await server.ended(await server.begin(id, 'instantiate', { flavourId: 'standard' }))
    const op = (await server.api('GET', `/vnfm/v1/vnf_lcm_op_occs?filter=(eq,vnfInstanceId,${id})`)).body.at(-1).vnfLcmOpOccId
    for (const width of [1280, 400]) {
      const page = await open(browser, server, null, { viewport: { width, height: 860 } })
      for (const path of ['/ui/vnfs', ...['topology', 'resources', 'operations', 'story', 'changes', 'drift', 'snapshots', 'can'].map((t) => `/ui/vnfs/${id}?tab=${t}`), `/ui/vnfs/${id}?do=TERMINATE`, '/ui/ops', `/ui/ops/${op}`]) {
        await page.goto(server.url + path)
        await page.getByText(/nnnnn/).first().waitFor()
        await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))))
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(wide <= 1, `${path} at ${width} px is ${wide} px wider than the window`)
      }
      await page.goto(server.url + `/ui/vnfs/${id}?do=TERMINATE`)
      const does = page.getByRole('dialog').getByRole('button', { name: 'Show what it would do' })
      await does.click() // the buttons can be reached
      await page.getByRole('dialog').getByRole('button', { name: /^Terminate n/ }).waitFor()
      await page.end()
    }
  })

  it('a browser that forges its roles shows buttons, and the server refuses what they do', async () => {
    const guarded = await Server.start('--api-token=a-token-of-the-admin')
    try {
      const page = await open(browser, guarded, null)
      await page.route(/\/vnfm\/v1\/caller$/, (route) => route.fulfill({ json: { name: 'me', roles: ['admin'], permissions: ['lcm:read', 'lcm:write', 'packages:read', 'packages:write', 'site:read', 'site:operate', 'site:administer'] } }))
      await page.route(/\/vnfm\/v1\/sign_in$/, (route) => route.fulfill({ json: { required: false, token: false } }))
      for (const path of ['/ui/vnfs', '/ui/vims', '/ui/system', '/ui/packages', '/ui/subscriptions']) {
        await page.goto(guarded.url + path)
        await page.getByText(/could not be|not signed in|Sign in|the server does not take/i).first().waitFor()
      }
      assert.equal(await page.getByText('Sample Firewall').count(), 0)
      await page.end()
    } finally {
      await guarded.end()
    }
  })
})

describe('a slow server', () => {
  it('leaves no spinner without a text after 2 s, and no page without one', async () => {
    const id = await server.create('fw-slow')
    const page = await open(browser, server, '/ui/vnfs')
    await page.getByRole('link', { name: 'fw-slow' }).waitFor()
    let hold = []
    await page.route(/\/(vnfm|vnflcm|vnfpkgm)\/v\d\/(?!events)/, (route) => new Promise((r) => hold.push(r)).then(() => route.continue()).catch(() => {}))
    for (const path of ['/ui/vnfs', `/ui/vnfs/${id}`, '/ui/ops', '/ui/packages', '/ui/vims', '/ui/management', '/ui/nfvo', '/ui/subscriptions', '/ui/system']) {
      await page.goto('about:blank')
      hold = []
      await page.goto(server.url + path)
      const bare = () => page.evaluate(() => {
        const visible = [...document.querySelectorAll('[role=status]')].filter((e) => e.innerText.trim().length > 5 && getComputedStyle(e).visibility === 'visible')
        const spinners = [...document.querySelectorAll('.mantine-Loader-root')].filter((e) => e.getClientRects().length > 0 && !e.closest('[role=status]')?.innerText.trim())
        return visible.length > 0 && spinners.length === 0
      })
      await until(bare, 2500, () => `${path} says nothing while it waits`)
      // Who one is is answered; then the page itself waits, and says for what.
      await page.unroute(/\/(vnfm|vnflcm|vnfpkgm)\/v\d\/(?!events)/)
      await page.route(/\/(vnfm|vnflcm|vnfpkgm)\/v\d\/(?!events|sign_in|caller)/, (route) => new Promise((r) => hold.push(r)).then(() => route.continue()).catch(() => {}))
      hold.splice(0).forEach((go) => go())
      await page.getByRole('navigation', { name: 'Places' }).or(page.getByText('vnfm', { exact: true })).first().waitFor()
      await until(bare, 2500, () => `${path} says nothing while it waits for what it shows`)
      await page.unroute(/\/(vnfm|vnflcm|vnfpkgm)\/v\d\/(?!events|sign_in|caller)/)
      hold.splice(0).forEach((go) => go())
      await page.route(/\/(vnfm|vnflcm|vnfpkgm)\/v\d\/(?!events)/, (route) => new Promise((r) => hold.push(r)).then(() => route.continue()).catch(() => {}))
    }
    page.faults.length = 0
    await page.end()
  })
})
