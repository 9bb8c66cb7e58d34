/** The page while Redis is unreachable: it shows the delay, stays up to date by polling, and recovers. */
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type DedicatedRedis, startDedicatedRedis } from '../../helpers/dedicated-redis.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the page while Redis is unreachable', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let redis: DedicatedRedis

  before(async () => {
    redis = await startDedicatedRedis()
    ;[system, browser] = await Promise.all([startSystem({ env: { REDIS_URL: redis.url } }), openBrowser()])
    client = createApiClient(system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
    await redis?.remove()
  })

  it('The badge shows Delayed, changes arrive late, and Live returns afterwards', async () => {
    const session = await openBrowserSession(browser, system.url)
    const page = await session.openPage()
    page.setDefaultTimeout(30_000)
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await redis.stop()
    await page.locator('.badge', { hasText: 'Delayed' }).waitFor()
    await client.create('shop')
    await page
      .locator('tr[data-name="shop"] .status-label', { hasText: 'Running' })
      .waitFor({ timeout: 60_000 })
    await page.locator('.badge', { hasText: 'Delayed' }).waitFor()
    await redis.start()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    session.assertNoErrors()
  })
})
