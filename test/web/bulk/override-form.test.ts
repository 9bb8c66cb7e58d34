/** Setting a config key of selected deployments by keyboard: the value, and the focus afterwards. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('a config key of selected deployments', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('Enter in the value goes on, Shift + Enter begins a line, and the focus ends in the content', async () => {
    const client = createApiClient(system.url)
    await client.create('shop-one', { 'image.tag': 'v1' })
    await client.waitForStatus('shop-one', 'Running')
    const session = await openBrowserSession(browser, system.url)
    const page = await session.openPage()
    await page.getByLabel('Select shop-one', { exact: true }).click()
    await page.getByRole('button', { name: /^Set a key/ }).click()
    await page.getByLabel('Key', { exact: true }).fill('motd')
    await page.getByLabel('Value', { exact: true }).press('h')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.press('i')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Update 1 deployment' }).click()
    await page.locator('.bulk-outcomes summary', { hasText: '1 accepted' }).waitFor()
    await page.locator('.bulk-bar').waitFor({ state: 'detached' })
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'content')
    const { deployment } = await client.waitForStatus('shop-one', 'Running')
    assert.deepEqual(deployment.app_overrides.find(([key]) => key === 'motd')?.[1], {
      tag: 'ValueAdded',
      contents: 'h\ni',
    })
    session.assertNoErrors()
    await session.close()
  })
})
