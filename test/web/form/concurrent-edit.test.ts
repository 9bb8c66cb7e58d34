/** Two users edit the same config: no edit is lost, and no change is overwritten without notice. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Route } from 'playwright-core'
import { valueAdded as setTo } from '../../../domain/overrides.ts'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('concurrent edits of a config', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
    await client.create('shop', { 'image.tag': 'v2', 'mail.host': 'old' })
    await client.waitForStatus('shop', 'Running')
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const edit = async () => {
    const page = await session.openPage('/no-such-page')
    return {
      page,
      open: async () => {
        await page.goto(`${system.url}/deployments/shop`)
        await page.getByRole('heading', { name: 'shop' }).waitFor()
        await page.keyboard.press('e')
        return page.getByLabel('replicas', { exact: true })
      },
    }
  }

  it('Remote changes are shown, and local edits are applied on top', async () => {
    const { page, open } = await edit()
    const field = await open()
    await field.fill('6')
    await client.update('shop', { 'image.tag': 'v5', 'feature.x': 'on' })
    const conflictBanner = page.locator('.sheet-footer .warning')
    await conflictBanner.getByText('Someone else changed this config').waitFor()
    assert.deepEqual(await conflictBanner.locator('li').allTextContents(), [
      'image.tagv2v5',
      'mail.hostolddefault',
      'feature.xon',
    ])
    await client.waitForStatus('shop', 'Running')
    await page.getByText('Review the changes of the other user first').waitFor()
    await page.getByRole('button', { name: 'Apply their changes' }).click()
    await conflictBanner.waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('image.tag', { exact: true }).inputValue(), 'v5')
    assert.equal(await field.inputValue(), '6')
    await page.getByText('Edited: replicas', { exact: true }).waitFor()
    await page.keyboard.press('Control+Enter')
    await page.locator('dialog').waitFor({ state: 'detached' })
    const [action] = await client.actions('shop')
    assert.deepEqual(action?.app_overrides, [
      setTo('image.tag', 'v5'),
      setTo('feature.x', 'on'),
      setTo('replicas', '6'),
    ])
    await client.waitForStatus('shop', 'Running')
    await page.close()
  })

  it('The server rejects an update based on an old revision, and the input is kept', async () => {
    const { page, open } = await edit()
    await page.routeWebSocket('**/event', () => {})
    const field = await open()
    await field.fill('8')
    // Blocks the periodic reload until the end of the test.
    const blockReads = (route: Route) =>
      route.request().method() === 'GET' ? route.abort() : route.continue()
    await page.route('**/full_info', blockReads)
    await page.route('**/api/v1/deployments', blockReads)
    await client.update('shop', { 'image.tag': 'v6' })
    await client.waitForStatus('shop', 'Running')
    await page.keyboard.press('Control+Enter')
    await page.locator('.sheet-footer .error-box', { hasText: 'changed' }).waitFor()
    assert.equal(await field.inputValue(), '8')
    assert.equal((await client.actions('shop'))[0]?.actor, 'admin')
    await page.unrouteAll()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Apply their changes' }).click()
    assert.equal(await page.getByLabel('image.tag', { exact: true }).inputValue(), 'v6')
    assert.equal(await field.inputValue(), '8')
    await page.keyboard.press('Control+Enter')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await client.waitForStatus('shop', 'Running')
    await page.close()
  })

  it('An accepted update with a lost response is not taken for a remote change', async () => {
    const { page, open } = await edit()
    const field = await open()
    await page.route('**/api/v1/deployments/shop', async (route) => {
      await route.fetch()
      await route.abort()
    })
    await field.fill('9')
    await page.keyboard.press('Control+Enter')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.locator('.toast').getByText('Updating shop').waitFor()
    const [action] = await client.actions('shop')
    assert.deepEqual(action?.app_overrides.at(-1), setTo('replicas', '9'))
    await client.waitForStatus('shop', 'Running')

    await page.route('**/api/v1/deployments', async (route) => {
      if (route.request().method() === 'GET') return route.continue()
      await route.fetch()
      await route.abort()
    })
    await page.keyboard.press('n')
    await page.getByLabel('image.tag', { exact: true }).fill('v2')
    await page.getByLabel('Name', { exact: true }).fill('blog')
    await page.keyboard.press('Control+Enter')
    await page.waitForURL('**/deployments/blog')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await client.waitForStatus('blog', 'Running')
    await page.close()
  })

  it('Input of a failed submit is kept, and later remote changes are shown', async () => {
    const { page, open } = await edit()
    const field = await open()
    await page.route('**/api/v1/deployments/shop', (route) => route.abort())
    await field.fill('10')
    await page.keyboard.press('Control+Enter')
    await page.locator('.sheet-footer .error-box').getByText('cannot be reached').waitFor()
    await client.update('shop', { 'image.tag': 'v7' })
    await page.locator('.sheet-footer .warning').getByText('Someone else changed this config').waitFor()
    assert.equal(await field.inputValue(), '10')
    await client.waitForStatus('shop', 'Running')
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
