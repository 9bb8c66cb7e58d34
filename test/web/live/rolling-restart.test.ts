/**
 * The servers are replaced one by one while the page is open: it moves to another server and misses no
 * change.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { startLoadBalancer } from '../../helpers/load-balancer.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the page during a rolling restart', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('The page moves to another server and shows later changes and output', async (t) => {
    const second = await system.startServer()
    const servers = [system.url, second.url]
    const { url, close } = await startLoadBalancer(servers)
    t.after(close)
    const client = createApiClient(second.url)
    await client.create('rolls')
    await client.waitForStatus('rolls', 'Running')
    const gate = join(system.dir, 'gate')
    await client.update('rolls', { 'behave.update': `wait ${gate}` })

    const session = await openBrowserSession(browser, url)
    const list = await session.openPage()
    const page = await session.openPage('/deployments/rolls')
    for (const each of [list, page]) each.setDefaultTimeout(30_000)
    await session.signIn(page, system.adminHeader)
    await page.locator('.last-action').getByText('waiting').waitFor()
    await list.locator('.badge', { hasText: 'Live' }).waitFor()

    // The first server stops and the second takes over; then a third one starts and the second stops.
    await system.server.stop()
    await client.create('created-later')
    await list.getByRole('button', { name: 'Show 1 change' }).click()
    await list.locator('tr[data-name="created-later"] .status-label', { hasText: 'Running' }).waitFor()
    const third = await system.startServer()
    servers.push(third.url)
    await second.stop()
    await writeFile(gate, '')
    await page.getByText('Update succeeded').first().waitFor()
    await page.locator('.log-viewer').getByText('update of rolls done').waitFor()
    await list.locator('.badge', { hasText: 'Live' }).waitFor()
    session.assertNoErrors()
    await session.close()
  })
})
