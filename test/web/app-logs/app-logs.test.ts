/** The logs of the app on the page of a deployment, in a real browser. */
import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('app logs on the page', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession
  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('New lines appear, a pause holds them back, and the part is accessible', async () => {
    const file = join(system.dir, 'lines')
    await client.create('shop', { 'behave.app_logs': `lines ${file}` })
    await client.waitForStatus('shop', 'Running')
    const page = await session.openPage('/deployments/shop')
    await page.getByRole('region', { name: 'App logs' }).getByRole('button', { name: 'Show' }).click()
    const log = page.getByRole('log')
    await log.getByText('--follow').waitFor()
    await appendFile(file, 'one\n')
    await log.getByText('one', { exact: true }).waitFor()
    assert.deepEqual(await findAxeViolations(page), [])
    await page.getByRole('button', { name: 'Pause' }).click()
    await appendFile(file, 'two\n')
    await page.getByRole('button', { name: 'Pause (1 new)' }).waitFor()
    assert.equal(await log.getByText('two', { exact: true }).count(), 0)
    await page.getByRole('button', { name: 'Pause (1 new)' }).click()
    await log.getByText('two', { exact: true }).waitFor()
    await page.close()
  })

  it('A script that fails says why', async () => {
    await client.create('failing', { 'behave.app_logs': 'fail no pods are running' })
    await client.waitForStatus('failing', 'Running')
    const page = await session.openPage('/deployments/failing')
    await page.getByRole('region', { name: 'App logs' }).getByRole('button', { name: 'Show' }).click()
    await page.locator('.log-note', { hasText: 'no pods are running' }).waitFor()
    await page.close()
  })
})
