/** The page while Redis is away: it says that it hears late, follows all the same, and says when that is over. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { startRedis } from '../../infra/local/redis.ts'
import { type Client, clientOf } from '../helpers/client.ts'
import { freePort } from '../helpers/free-port.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { missingBrowser, openBrowser } from './browser.ts'
import { openVisitor } from './visitor.ts'

describe('the page while Redis is away', { skip: missingBrowser() }, () => {
  let system: System
  let client: Client
  let browser: Browser
  let redis: Awaited<ReturnType<typeof startRedis>>
  let dataDir: string
  let port: number
  const start = () => startRedis({ dataDir, port, log: () => {} })

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'octopod-redis-'))
    port = await freePort()
    redis = await start()
    ;[system, browser] = await Promise.all([startSystem({ env: { REDIS_URL: redis.url } }), openBrowser()])
    client = clientOf(system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
    await redis?.stop()
    await rm(dataDir, { recursive: true, force: true })
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
    redis = await start()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    visitor.assertQuiet()
  })
})
