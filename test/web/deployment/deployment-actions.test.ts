/** What a user does on the page of a deployment in a real browser: form and its address, roll back, clone, labels, waiting actions. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('actions on the page of a deployment', { skip: missingBrowser() }, () => {
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
    await client.update('shop', { 'image.tag': 'v2', replicas: '5' })
    await client.waitForStatus('shop', 'Running')
    const page = await session.openPage()
    await session.signIn(page, system.adminHeader)
    await page.close()
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  async function open(path = '/deployments/shop'): Promise<Page> {
    const page = await session.openPage(path)
    await page.locator('.action').first().waitFor()
    return page
  }
  const choose = async (page: Page, menu: string | RegExp, name: string) => {
    await page.getByRole('button', { name: menu }).first().click()
    await page.getByRole('menuitem', { name }).click()
  }
  const check = async (page: Page) => assert.deepEqual(await findAxeViolations(page), [])

  it('The open form has an address, and Back and Escape close it', async () => {
    const page = await open()
    await page.keyboard.press('e')
    await page.getByLabel('image.tag', { exact: true }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/deployments/shop/edit')
    await page.goBack()
    await page.locator('dialog').waitFor({ state: 'detached' })
    assert.equal(new URL(page.url()).pathname, '/deployments/shop')
    await page.goto(`${system.url}/deployments/shop/edit`)
    await page.getByLabel('image.tag', { exact: true }).and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL(/\/deployments\/shop$/)
    await page.close()
  })

  it('A link to the history shows it, and the history is beside the config on a wide screen', async () => {
    const page = await open('/deployments/shop#history')
    const [config, history] = await Promise.all([
      page.locator('#config').boundingBox(),
      page.locator('#history').boundingBox(),
    ])
    assert.ok(config && history && history.x > config.x + config.width && Math.abs(history.y - config.y) < 1)
    await page.close()
  })

  it('A rollback shows the difference first, and a message says how it ended', async () => {
    const page = await open()
    await choose(page, /^More for create/, 'Roll back to this config…')
    await page.locator('dialog .config-diff', { hasText: 'v2' }).waitFor()
    const ended = page.locator('dialog .config-diff li', { hasText: 'replicas' })
    await ended.filter({ hasText: /5\s*default\s*2$/ }).waitFor()
    await check(page)
    await page.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.locator('.toast', { hasText: 'shop: Update succeeded.' }).waitFor()
    // The end takes the place of the beginning.
    await page.locator('.toast', { hasText: 'Updating shop' }).waitFor({ state: 'detached' })
    await page
      .locator('.config-entry', { hasText: 'image.tag' })
      .locator('.config-entry-value', { hasText: 'v1' })
      .waitFor()
    await client.waitForStatus('shop', 'Running')
    await page
      .getByRole('button', { name: /^More for update/ })
      .nth(1)
      .click()
    await page.getByRole('menuitem', { name: 'Roll back to this config…' }).click()
    await ended.filter({ hasText: /default\s*2\s*5$/ }).waitFor()
    await page.close()
  })

  it('A clone has another name and the same overrides, title and labels', async () => {
    await client.api('PATCH', '/deployments/shop/labels', { set: { tier: 'web' }, title: 'Cloned shop' })
    const page = await open()
    await choose(page, 'More actions for shop', 'Clone…')
    await page.getByLabel('Name of the new deployment').fill('shop')
    await page.getByText('A deployment named shop already exists.').waitFor()
    await page.getByLabel('Name of the new deployment').fill('Shop/Two')
    await check(page)
    await page.getByRole('button', { name: 'Use shop-two' }).press('Enter')
    assert.equal(await page.locator(':focus').inputValue(), 'shop-two')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.waitForURL(/\/deployments\/shop-two$/)
    await page
      .locator('.config-entry', { hasText: 'image.tag' })
      .locator('.config-entry-value', { hasText: 'v1' })
      .waitFor()
    const { title, labels } = await client.waitForStatus('shop-two', 'Running')
    assert.deepEqual([title, labels], ['Cloned shop', { tier: 'web' }])
    await page.close()
  })

  it('Title and labels are changed, and a wrong one is refused with the reason', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'More actions for shop' }).first().click()
    await page.keyboard.press('t')
    await page.locator('[role=menuitem]:focus', { hasText: 'Title and labels…' }).press('Enter')
    await page.locator('input[name=title]').fill('The shop')
    await page.getByLabel('Key of label 1').fill('not a key')
    await page.getByText('Label key "not a key" may hold only').waitFor()
    await check(page)
    await page.getByLabel('Key of label 1').fill('team')
    await page.getByLabel('Value of label 1').fill('checkout')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.locator('.labels', { hasText: 'team=checkout' }).waitFor()
    await page.locator('h1', { hasText: 'The shop' }).waitFor()
    await page.close()
  })

  it('While another action runs an update waits, is shown, and can be cancelled', async () => {
    await system.setBehavior('update', `wait ${system.dir}/go`)
    await client.update('shop', { 'image.tag': 'v3' })
    const page = await open()
    await page.locator('.last-action', { hasText: 'Updating' }).waitFor()
    await page.keyboard.press('e')
    await page.getByLabel('image.tag', { exact: true }).fill('v4')
    await page.getByRole('radio', { name: /^Wait/ }).waitFor()
    await check(page)
    await page.getByRole('button', { name: 'Save and update' }).click()
    await page.locator('.toast', { hasText: 'The update of shop starts when the running action' }).waitFor()
    await page.locator('.waiting-action', { hasText: 'Next: update' }).waitFor()
    await check(page)
    await page.locator('.last-action').getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('dialog').getByText('The waiting update starts then.').waitFor()
    await page.getByRole('button', { name: 'Keep it running' }).click()
    await page.getByRole('button', { name: 'Cancel the waiting action' }).click()
    await page.locator('.waiting-action').waitFor({ state: 'detached' })
    await writeFile(`${system.dir}/go`, '')
    await page.locator('.last-action', { hasText: 'Update succeeded' }).waitFor()
    await system.setBehavior('update', '')
    await page.close()
  })

  it('A restore that waits for an archive does not offer to replace it, and an archive is repeated from the history', async () => {
    await client.create('attic')
    await client.waitForStatus('attic', 'Running')
    await system.setBehavior('archive_check', 'exit 1')
    await client.archive('attic')
    await client.waitForStatus('attic', 'ArchivePending')
    const page = await open('/deployments/attic')
    await page.getByRole('button', { name: 'Restore', exact: true }).click()
    await page.getByRole('radio', { name: /^Wait/ }).waitFor()
    assert.equal(await page.getByRole('radio', { name: /^Replace/ }).count(), 0)
    assert.equal(await page.getByRole('radio', { name: /^Fail/ }).count(), 1)
    await check(page)
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await choose(page, /^More for archive/, 'Archive again…')
    await page.getByRole('button', { name: 'Archive', exact: true }).last().click()
    await page.locator('.action').nth(2).waitFor()
    await system.setBehavior('archive_check', '')
    await client.waitForStatus('attic', 'Archived')
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
