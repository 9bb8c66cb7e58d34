/** Closing a tab while it navigates: Chromium loses such a close now and then, and Playwright waits for ever. */
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { type System, startSystem } from '../system.ts'
import { openBrowserSession } from './browser-session.ts'
import { missingBrowser, openBrowser } from './chromium.ts'

describe('tabs of the browser', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser

  before(async () => {
    system = await startSystem({ runner: false })
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('A tab that is reloading closes', async () => {
    const session = await openBrowserSession(browser, system.url)
    for (let round = 0; round < 12; round += 1) {
      const page = await session.openPage('/no-such-page')
      // Not awaited: the close meets the commit of the navigation.
      await page.evaluate(() => void setTimeout(() => location.reload()))
      await sleep(round * 2)
      await page.close()
    }
    await session.close()
  })
})
