// The console by keyboard alone: tab, arrows, enter, escape, and nothing else.
import assert from 'node:assert/strict'
import { after, afterEach, before, it } from 'node:test'
import { browse, closeAll, open, Server } from './world.mjs'

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

/** What has the focus, as a screen reader says it. */
const focused = (page) => page.evaluate(() => {
  const e = document.activeElement
  return (e?.labels?.[0]?.textContent || e?.getAttribute('aria-label') || e?.textContent || '').trim()
})

/** Goes on with Tab until something is reached: no more than so many steps, and never back to where one was. */
async function tabTo(page, name, most = 60) {
  const seen = []
  for (let i = 0; i < most; i++) {
    const now = await focused(page)
    if (name instanceof RegExp ? name.test(now) : now === name) return
    seen.push(now)
    await page.keyboard.press('Tab')
  }
  assert.fail(`Tab does not lead to ${name}: ${seen.join(' > ')}`)
}

it('creates, instantiates and terminates a VNF', async () => {
  const page = await open(browser, server, '/ui/vnfs')
  await page.getByText('There is no VNF yet').waitFor()
  await tabTo(page, 'Create a VNF')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === 'Name') // a dialog begins where one types
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.waitForFunction(() => document.activeElement?.textContent === 'Create a VNF') // and gives back the focus
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === 'Name')
  await page.keyboard.type('fw-keys')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'fw-keys' }).waitFor()

  const act = async (action, word) => {
    await tabTo(page, 'Do something')
    await page.keyboard.press('Enter')
    await page.locator(`[data-action=${action}]`).waitFor()
    for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.dataset.action)) !== action; i++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Show what it would do')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: word, exact: true }).waitFor()
    await tabTo(page, word)
    await page.keyboard.press('Enter')
    await page.getByText('COMPLETED').first().waitFor()
  }
  await act('INSTANTIATE', 'Instantiate fw-keys')
  assert.match(page.url(), /\/ui\/ops\//)
  // A bar of the lanes is chosen, and let go of.
  await tabTo(page, /^\d+ lanes$/)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('region', { name: 'Command' }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('region', { name: 'Command' }).waitFor({ state: 'detached' })
  await page.keyboard.press('Shift+Tab')
  await page.reload()
  await tabTo(page, 'fw-keys')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'fw-keys' }).waitFor()
  await act('TERMINATE', 'Terminate fw-keys')
  await page.end()
})

it('skips to the page, walks tabs by arrows and the past by the slider', async () => {
  const id = await server.standing('fw-walk')
  const page = await open(browser, server, `/ui/vnfs/${id}`)
  await page.getByRole('slider', { name: 'Moment of the past' }).waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'Skip to the page')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main')
  await tabTo(page, 'Moment of the past')
  await page.keyboard.press('ArrowLeft')
  await page.getByText('This is the past').waitFor()
  await tabTo(page, 'Topology')
  await page.keyboard.press('ArrowRight')
  await page.getByRole('heading', { name: 'Properties' }).waitFor()
  // All that has the focus can be seen to have it.
  const blind = []
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    const is = await page.evaluate(() => {
      const e = document.activeElement
      if (!e || e === document.body) return ''
      const s = getComputedStyle(e)
      const box = e.closest('.mantine-Slider-root, .mantine-Input-wrapper') ?? e
      const b = getComputedStyle(box)
      return s.outlineStyle !== 'none' || b.outlineStyle !== 'none' || s.boxShadow !== 'none' || e.matches('input') ? '' : e.outerHTML.slice(0, 120)
    })
    if (is) blind.push(is)
  }
  assert.deepEqual(blind, [])
  await page.end()
})
