/** Everybody can use it: axe finds nothing on any screen, light and dark, on a desk and on a phone; nothing is markup. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../helpers/api-client.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../helpers/browser/chromium.ts'
import { createDemoData, writeDemoScripts } from '../helpers/browser/demo-data.ts'
import { type System, startSystem } from '../helpers/system.ts'

const { source } = axe

describe('every screen', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession
  let scripts = ''

  before(async () => {
    scripts = await mkdtemp(join(tmpdir(), 'octopod-scene-'))
    await writeDemoScripts(scripts)
    ;[system, browser] = await Promise.all([
      startSystem({ scripts, env: { PROJECT_NAME: 'Acme Shop', CHECK_INTERVAL: '2' } }),
      openBrowser(),
    ])
    await createDemoData(system, scripts)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await writeFile(join(scripts, 'go'), '')
    await system?.stop()
    await rm(scripts, { recursive: true, force: true })
  })

  /** Everything in light on a desk; what colours and sizes can break also in dark and on a phone. */
  const check = async (page: Page, what: string) => {
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      const all = width === 1280 ? scheme === 'light' : scheme === 'dark'
      const found = await violations(page, all ? [] : ['color-contrast', 'target-size'])
      assert.deepEqual(found, [], `${what}, ${scheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('of the list, the form and the questions has nothing axe would find', async () => {
    const page = await session.openPage()
    await page.getByText('search-speed').first().waitFor()
    await check(page, 'the list')
    await page.keyboard.press('n')
    await page.getByLabel('feature.search', { exact: true }).waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Wrong name')
    await page.getByLabel('image.tag', { exact: true }).fill('v9')
    await page.getByRole('button', { name: 'Remove replicas' }).click()
    await page.getByLabel('New key, application config').fill('feature.wishlist')
    await page.keyboard.press('Enter')
    await check(page, 'the form')
    await page.getByLabel('Name', { exact: true }).fill('wish-list')
    await page.keyboard.press('Control+Enter')
    await page.getByText('There is no image').waitFor()
    await check(page, 'a refused config')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).waitFor()
    await check(page, 'a question')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await check(page, 'the shortcuts')
    await page.close()
  })

  it('of a deployment, its output and the sign-in has nothing axe would find', async () => {
    const page = await session.openPage('/deployments/payments-fix')
    await page.getByText('image.repository').waitFor()
    await check(page, 'a failed deployment')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Authorization').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the admin credential').waitFor()
    await check(page, 'the sign-in')
    await page.getByLabel('Authorization').fill(system.adminHeader)
    await page.keyboard.press('Enter')
    await page.locator('.role').waitFor()
    await page.goto(`${system.url}/deployments/search-speed`)
    await page.locator('.log-lines').getByText('Starting 2 replicas').waitFor()
    await page.getByLabel('Search in the output').fill('layer')
    await page.locator('.log-viewer mark').first().waitFor()
    await check(page, 'a running action with its output')
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0, 'nothing moves')
    await page.goto(`${system.url}/deployments/nobody`)
    await page.getByText('Deployment nobody does not exist').waitFor()
    await check(page, 'a deployment that does not exist')
    await page.close()
  })

  it('shows what users and scripts write as text, wherever they can write', async () => {
    const evil = '<img src=x onerror="window.cracked=1"><script>window.cracked=1</script>'
    const headers = { 'Octopod-Actor': encodeURIComponent(evil), 'Octopod-Reason': encodeURIComponent(evil) }
    const client = createApiClient(system.url)
    await client.update('dark-mode', { 'image.tag': evil, '<b>key</b>': evil }, headers)
    await client.waitForStatus('dark-mode', 'Running')
    const page = await session.openPage('/deployments/dark-mode')
    await page.locator('.action', { hasText: evil }).first().waitFor()
    await page.locator('.deployment-header', { hasText: evil }).waitFor()
    await session.signIn(page, system.adminHeader)
    await page.getByRole('button', { name: /^Output of update/ }).click()
    await page.locator('.log-lines', { hasText: evil }).waitFor()
    await page.getByLabel('Search in the output').fill('<img')
    await page.locator('.log-viewer mark', { hasText: '<img' }).first().waitFor()
    const words = { status: 400, contentType: 'text/plain', body: evil }
    const links = [{ name: evil, link: `https://x.example/"onmouseover="window.cracked=1` }]
    await page.route('**/deployments/dark-mode', (route) => route.fulfill(words))
    await page.route('**/application_overrides', (route) => route.fulfill({ json: [[evil, evil]] }))
    await page.keyboard.press('Escape')
    await page.locator('h1').click()
    await page.keyboard.press('e')
    await page.getByLabel('<b>key</b>', { exact: true }).fill(`${evil} again`)
    await page.keyboard.press('Control+Enter')
    await page.locator('.error-box pre', { hasText: evil }).waitFor()
    await page.locator('.sheet-footer', { hasText: '<b>key</b>' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    const list = (await client.api('GET', '/deployments')).body as object[]
    const json = list.map((info) => ({ ...info, metadata: links }))
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json }))
    await page.goto(system.url)
    await page.getByText(evil).first().waitFor()
    assert.equal(await page.evaluate(() => Reflect.get(window, 'cracked')), undefined)
    assert.equal(await page.locator('#app img, #app script, [onmouseover]').count(), 0)
    await page.close()
  })

  it('comes under a policy that allows nothing inline and nothing from elsewhere; only what has a hash is kept', async () => {
    const page = await fetch(system.url, { headers: { Accept: 'text/html' } })
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'|default-src 'self'/)
    assert.doesNotMatch(policy, /unsafe-|\*|http/)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
    const [, script = ''] = /src="(\/main-[^"]+)"/.exec(await page.text()) ?? []
    const asset = await fetch(system.url + script, { headers: { 'Accept-Encoding': 'br' } })
    assert.equal(asset.headers.get('content-encoding'), 'br')
    assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
  })

  it('never made the browser complain', () => session.assertNoErrors())
})

/** What axe finds, as rule and place. `rules`: only these; none: all. */
async function violations(page: Page, rules: string[]): Promise<string[]> {
  // Evaluated by the test, not by the page: its content policy would refuse it.
  await page.evaluate(`window.axe || (() => {${source}})()`)
  const { violations: found } = await page.evaluate((only): Promise<AxeResults> => {
    const { run } = Reflect.get(window, 'axe') as typeof axe
    return run(document, { resultTypes: ['violations'], ...(only.length > 0 && { runOnly: only }) })
  }, rules)
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}
