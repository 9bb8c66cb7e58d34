/**
 * Accessibility and safety of all pages: axe finds no violation in light and dark, on desktop and phone, and
 * no user text becomes markup.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../helpers/api-client.ts'
import { findAxeViolations } from '../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../helpers/browser/chromium.ts'
import { createDemoData, writeDemoScripts } from '../helpers/browser/demo-data.ts'
import { type System, startSystem } from '../helpers/system.ts'

describe('accessibility', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession
  let scripts = ''

  before(async () => {
    scripts = await mkdtemp(join(tmpdir(), 'octopod-demo-'))
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

  /**
   * Runs all rules for light on desktop and dark on phone; otherwise the rules that depend on color and
   * size.
   */
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
      const found = await findAxeViolations(page, all ? [] : ['color-contrast', 'target-size'])
      assert.deepEqual(found, [], `${what}, ${scheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('axe finds no violation in the list, the form and the confirmations', async () => {
    const page = await session.openPage()
    await page.getByText('search-speed').first().waitFor()
    await check(page, 'the list')
    await page.keyboard.press('n')
    await page.getByLabel('feature.search', { exact: true }).waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Wrong name')
    await page.getByLabel('image.tag', { exact: true }).fill('v9')
    await page.getByRole('button', { name: /^Remove .*replicas$/ }).click()
    await page.getByLabel('New key, application config').fill('feature.wishlist')
    await page.keyboard.press('Enter')
    await check(page, 'the form')
    await page.getByLabel('Name', { exact: true }).fill('wish-list')
    await page.keyboard.press('Control+Enter')
    await page.getByText('There is no image').waitFor()
    await check(page, 'a failed config check')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).waitFor()
    await check(page, 'a confirmation')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await check(page, 'the shortcuts')
    await page.close()
  })

  it('axe finds no violation on the deployment page, in the output and in the sign-in dialog', async () => {
    const page = await session.openPage('/deployments/payments-fix')
    await page.getByRole('button', { name: /defaults, application config$/ }).click()
    await page.getByText('image.repository').waitFor()
    await check(page, 'a failed deployment')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Shared credential').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This is no credential of this installation').waitFor()
    await check(page, 'the sign-in')
    await page.getByLabel('Shared credential').fill(system.adminHeader)
    await page.keyboard.press('Enter')
    await page.locator('.account .role', { hasText: 'admin' }).waitFor()
    await page.goto(`${system.url}/deployments/search-speed`)
    await page.locator('.log-lines').getByText('Starting 2 replicas').waitFor()
    await page.getByLabel('Search in the output').fill('layer')
    await page.locator('.log-viewer mark').first().waitFor()
    await check(page, 'a running action with its output')
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0, 'no animation runs')
    await page.goto(`${system.url}/deployments/unknown`)
    await page.getByText('Deployment unknown does not exist').waitFor()
    await check(page, 'a deployment that does not exist')
    await page.close()
  })

  it('Text from users and scripts is never interpreted as markup', async () => {
    const maliciousText = '<img src=x onerror="window.cracked=1"><script>window.cracked=1</script>'
    const headers = {
      'Octopod-Actor': encodeURIComponent(maliciousText),
      'Octopod-Reason': encodeURIComponent(maliciousText),
    }
    const client = createApiClient(system.url)
    await client.update('dark-mode', { 'image.tag': maliciousText, '<b>key</b>': maliciousText }, headers)
    await client.waitForStatus('dark-mode', 'Running')
    const page = await session.openPage('/deployments/dark-mode')
    await page.locator('.action', { hasText: maliciousText }).first().waitFor()
    await page.locator('.last-action', { hasText: maliciousText }).waitFor()
    await session.signIn(page, system.adminHeader)
    await page.getByRole('button', { name: /^Output of update/ }).click()
    await page.locator('.log-lines', { hasText: maliciousText }).waitFor()
    await page.getByLabel('Search in the output').fill('<img')
    await page.locator('.log-viewer mark', { hasText: '<img' }).first().waitFor()
    await page.goto(`${system.url}/audit?deployment=dark-mode`)
    const entry = page.locator('.audit li', { hasText: maliciousText }).first()
    await entry.locator('summary').click()
    await entry.locator('td', { hasText: maliciousText }).first().waitFor()
    await entry.locator('dd', { hasText: maliciousText }).first().waitFor()
    await check(page, 'an open entry of the audit log')
    await page.goto(`${system.url}/deployments/dark-mode`)
    await page.locator('.action', { hasText: maliciousText }).first().waitFor()
    const configCheckFailure = { status: 400, contentType: 'text/plain', body: maliciousText }
    const links = [{ name: maliciousText, link: `https://x.example/"onmouseover="window.cracked=1` }]
    await page.route('**/deployments/dark-mode', (route) => route.fulfill(configCheckFailure))
    await page.route('**/application_overrides', (route) =>
      route.fulfill({ json: [[maliciousText, maliciousText]] }),
    )
    await page.locator('h1').click()
    await page.keyboard.press('e')
    await page.getByLabel('<b>key</b>', { exact: true }).fill(`${maliciousText} again`)
    await page.keyboard.press('Control+Enter')
    await page.locator('.error-box pre', { hasText: maliciousText }).waitFor()
    await page.locator('.sheet-footer', { hasText: '<b>key</b>' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    const list = (await client.api('GET', '/deployments')).body as object[]
    const json = list.map((info) => ({ ...info, metadata: links }))
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json }))
    await page.goto(system.url)
    await page.getByText(maliciousText).first().waitFor()
    assert.equal(await page.evaluate(() => Reflect.get(window, 'cracked')), undefined)
    assert.equal(await page.locator('#app img, #app script, [onmouseover]').count(), 0)
    await page.close()
  })

  it('The content security policy forbids inline code and other hosts, and hashed files are cached', async () => {
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

  it('The browser reported no error', () => session.assertNoErrors())
})
