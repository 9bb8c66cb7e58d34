/** The page while Redis is away: it says that it hears late, follows all the same, and says when that is over. */
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type Client, clientOf } from '../helpers/client.ts'
import { type OwnRedis, openOwnRedis } from '../helpers/own-redis.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { missingBrowser, openBrowser } from './browser.ts'
import { openVisitor } from './visitor.ts'

describe('the page while Redis is away', { skip: missingBrowser() }, () => {
  let system: System
  let client: Client
  let browser: Browser
  let redis: OwnRedis

  before(async () => {
    redis = await openOwnRedis()
    ;[system, browser] = await Promise.all([startSystem({ env: { REDIS_URL: redis.url } }), openBrowser()])
    client = clientOf(system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
    await redis?.remove()
  })

  it('says so, shows what is done elsewhere some seconds late, and is live again afterwards', async () => {
    const visitor = await openVisitor(browser, system.url)
    const page = await visitor.visit()
    page.setDefaultTimeout(30_000)
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await redis.stop()
    await page.locator('.badge', { hasText: 'Delayed' }).waitFor()
    await client.create('shop')
    await page
      .locator('tr[data-name="shop"] .status-word', { hasText: 'Running' })
      .waitFor({ timeout: 60_000 })
    await page.locator('.badge', { hasText: 'Delayed' }).waitFor()
    await redis.start()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    visitor.assertQuiet()
  })
})
