// Who may what: signing in, roles that hide, the server that refuses, sessions that end.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { startIssuer } from './issuer.mjs'
import { browse, closeAll, open, Server, until } from './world.mjs'

let browser, issuer, server, vnf, op

before(async () => {
  browser = await browse()
  issuer = await startIssuer()
  server = await Server.start('--api-token=a-token-of-the-admin', `--auth-issuer=${issuer.url}`, '--auth-console-client=web', '--operation-on-failure=INSTANTIATE=hold')
  const admin = { Authorization: 'Bearer a-token-of-the-admin' }
  const ask = server.api.bind(server)
  server.api = (method, path, body, headers = {}) => ask(method, path, body, { ...admin, ...headers })
  await server.behave({ rules: [{ on: 'configure', outcome: 'permanent', times: 1 }] })
  vnf = await server.create('fw-seen')
  op = await server.begin(vnf, 'instantiate', { flavourId: 'standard' })
  assert.equal(await server.ended(op), 'FAILED_TEMP')
})
afterEach(closeAll)
after(async () => {
  await browser?.close()
  await server?.end()
  await issuer?.end()
})

const signIn = async (page, token) => {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in with the token' }).click()
}

describe('signing in', () => {
  it('by a token that is pasted, which stays in the tab and goes with it', async () => {
    const page = await open(browser, server, '/ui/vnfs')
    await signIn(page, 'not-this-one-at-all')
    await page.getByText('the server does not take the token any more').waitFor()
    await signIn(page, 'a-token-of-the-admin')
    await page.getByRole('link', { name: 'fw-seen' }).waitFor()
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /a-token/)
    const other = await page.context().newPage() // another tab: nobody is signed in there
    await other.goto(server.url + '/ui/vnfs')
    await other.getByLabel('Token').waitFor()
    await other.close()
    await page.reload()
    await page.getByRole('link', { name: 'fw-seen' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You have signed out.').waitFor()
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify(sessionStorage)), /a-token/)
    await page.end()
  })

  it('at the issuer, by code and PKCE, back to where one was', async () => {
    issuer.roles = ['viewer']
    const page = await open(browser, server, `/ui/vnfs/${vnf}?tab=story`, { also: [issuer.url] })
    await page.getByRole('button', { name: /^Sign in at 127.0.0.1/ }).click()
    await page.getByRole('heading', { name: 'fw-seen' }).waitFor()
    assert.match(page.url(), new RegExp(`/ui/vnfs/${vnf}\\?tab=story$`))
    await page.getByText('oidc:ann').waitFor()
    assert.equal(issuer.tokens, 1)
    await page.end()
  })

  it('ends when the token does', async () => {
    const page = await open(browser, server, '/ui/vnfs')
    await signIn(page, issuer.token(['viewer'], 4))
    await page.getByRole('link', { name: 'fw-seen' }).waitFor()
    await page.getByText('the token was good until now').waitFor()
    await page.end()
  })
})

describe('a viewer', () => {
  it('sees what may be done by others and why not by them, and is refused by the server all the same', async () => {
    const token = issuer.token(['viewer'])
    const page = await open(browser, server, `/ui/ops/${op}`)
    await signIn(page, token)
    await page.getByText('FAILED_TEMP').first().waitFor()
    for (const name of ['Retry', 'Roll back', 'Give up']) {
      const b = page.getByRole('button', { name, exact: true })
      assert.equal(await b.isDisabled(), true)
      assert.match(await b.getAttribute('title'), /This needs the permission lcm:write, which viewer does not have/)
    }
    assert.equal(await page.getByRole('link', { name: 'System' }).count(), 0)
    const refused = await page.evaluate(
      ([path, bearer]) => fetch(path, { method: 'POST', headers: { Authorization: `Bearer ${bearer}` } }).then((r) => r.status),
      [`/vnflcm/v2/vnf_lcm_op_occs/${op}/rollback`, token],
    )
    assert.equal(refused, 403)
    await page.goto(server.url + '/ui/system')
    await page.getByText('This page is not for your role').waitFor()
    await page.end()
    await until(async () => (await server.api('GET', '/vnfm/v1/audit/denials')).body.some((d) => d.caller === 'oidc:ann' && d.status === 403))
  })

  it('without a role that may look is told so', async () => {
    const page = await open(browser, server, '/ui/vnfs')
    await signIn(page, issuer.token(['nfvo']))
    await page.getByText('Nothing to see for this role').waitFor()
    await page.end()
  })
})
