/** The page without a runner, and the browser tab, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { adminHeader, type System, startSystem } from '../../helpers/system.ts'

describe('what a user learns without reading the list', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
    await client.create('shop', { 'image.tag': 'v1' })
    await client.waitForStatus('shop', 'Running')
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const icon = (page: Page) => page.locator('link[rel=icon]').getAttribute('href')

  it('A failed last update is amber, found by filter and search, and shown in the tab', async () => {
    const [list, page] = [await session.openPage(), await session.openPage('/deployments/shop')]
    const status = page.locator('.deployment-header .status-line[data-tone=success]', { hasText: 'Running' })
    await status.waitFor()
    assert.match(await list.title(), /^Deployments/)
    assert.match(String(await icon(page)), /^\/icon-[A-Z0-9]{8}\.svg$/)
    await system.setBehavior('update', 'fail no such image')
    await client.update('shop', { 'image.tag': 'v2' })
    await list.locator('.status[data-tone=warning]', { hasText: 'Running, last update failed' }).waitFor()
    // The page says it in the panel of the action, beside the status.
    await page.locator('.last-action[data-tone=error]', { hasText: 'Update failed' }).waitFor()
    await status.waitFor()
    await list.waitForFunction(() => document.title === '(1) Deployments · Octopod')
    await page.waitForFunction(() => document.title === 'Running, last update failed: shop · Octopod')
    for (const each of [list, page]) {
      const path = String(await icon(each))
      assert.match(path, /^\/icon-failing-[A-Z0-9]{8}\.svg$/)
      assert.match(String((await fetch(system.url + path)).headers.get('content-type')), /^image\/svg/)
    }
    await list.getByLabel('Status').selectOption('Needs attention (1)')
    await list.getByText('1 of 1 deployment').waitFor()
    await list.waitForURL(/status=attention/)
    await list.getByLabel('Status').selectOption('Running')
    await list.getByText('No deployment passes this filter.').waitFor()
    await list.getByRole('button', { name: 'Clear the filters' }).click()
    await list.getByLabel('Search names and config').fill('update failed')
    await list.locator('tr[data-name=shop]').waitFor()
    await system.setBehavior('update', '')
    await client.update('shop', { 'image.tag': 'v3' })
    await page.waitForFunction(() => document.title === 'shop · Octopod')
    await list.waitForFunction(() => document.title === 'Deployments · Octopod')
    await list.close()
    await page.close()
  })

  it('Every page says what is paused, by whom and why, without a reload, and an operator resumes', async () => {
    const admin = await openBrowserSession(browser, system.url)
    const [list, page, tokens] = [
      await session.openPage(),
      await admin.openPage('/deployments/shop'),
      await session.openPage('/tokens'),
    ]
    await page.locator('.status-line', { hasText: 'Running' }).waitFor()
    await list.locator('.badge', { hasText: 'Live' }).waitFor()
    const reason = `upgrade of the cluster <b>${'x'.repeat(80)}`
    const pause = (what: string, body: unknown) => client.api('PUT', `/pauses/${what}`, body)
    await pause('checks', { reason, for_seconds: 7200 })
    for (const each of [list, page, tokens])
      await each
        .locator('.session-banner p', {
          hasText: /Health checks are paused since .+ by .+, until .+: upgrade of the cluster <b>/,
        })
        .waitFor()
    await page.locator('.status-line', { hasText: 'Checks are paused since' }).waitFor()
    assert.equal(await list.getByRole('button', { name: 'Resume checks' }).count(), 0, 'a developer')
    await pause('retention', { reason: 'backup' })
    // A page that is opened later knows it from the first message.
    const later = await session.openPage('/audit')
    await later.locator('.session-banner p', { hasText: 'Retention is paused' }).waitFor()
    await list.setViewportSize({ width: 360, height: 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await list.emulateMedia({ colorScheme })
      assert.deepEqual(await findAxeViolations(list), [])
      assert.ok(await list.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    }
    await admin.signIn(page, adminHeader)
    await page.getByRole('button', { name: 'Resume checks' }).click()
    const question = page.getByRole('dialog', { name: 'Resume checks?' })
    await question.getByText('upgrade of the cluster').waitFor()
    await question.getByRole('button', { name: 'Keep the pause' }).click()
    await question.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Resume checks' }).click()
    await question.getByRole('button', { name: 'Resume', exact: true }).click()
    for (const each of [list, page, later])
      await each.locator('.session-banner p', { hasText: 'Health checks' }).waitFor({ state: 'detached' })
    await client.api('DELETE', '/pauses/retention')
    for (const each of [list, page, tokens, later]) {
      await each.locator('.session-banner p').waitFor({ state: 'detached' })
      await each.close()
    }
    admin.assertNoErrors()
  })

  it('Without a runner every page has a banner, until one is connected', async () => {
    const page = await session.openPage()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    assert.equal(await page.locator('.banner p').count(), 0)
    await system.runner.stop()
    const banner = page.locator('.banner', { hasText: 'No runner is connected' })
    await banner.waitFor({ timeout: 60_000 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await findAxeViolations(page), [])
    }
    // A page that is opened later knows it from the first message.
    const other = await session.openPage('/deployments/shop')
    await other.locator('.banner', { hasText: 'No runner is connected' }).waitFor()
    await system.startRunner()
    for (const each of [page, other])
      await each.locator('.banner p').waitFor({ state: 'detached', timeout: 60_000 })
    await page.close()
    await other.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
