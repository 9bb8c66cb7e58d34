/** The action menu of a list row: items for users and admins, and their targets. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the action menu', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    const env = { KUBERNETES_DASHBOARD_URL_TEMPLATE: 'https://dash.example/search?q=octopod-' }
    ;[system, browser] = await Promise.all([startSystem({ env }), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
    await client.create('shop', { 'image.tag': 'v1' })
    await client.waitForStatus('shop', 'Running')
    // A successful check would set the status to Running before the test reads it.
    const failing = { 'behave.update': 'fail the registry is unreachable', 'behave.check': 'exit 1' }
    await client.update('shop', { 'image.tag': 'v2', ...failing })
    await client.waitForStatus('shop', 'GenericFailure')
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const menu = [
    'Open',
    'Copy link',
    'Edit config',
    'Archive',
    'Logs',
    'Clone…',
    'Title and labels…',
    'Change owner…',
    'Dashboard',
    'Clean up',
    'Delete record',
  ]
  const openMenu = async (page: Page) => {
    await page.getByRole('button', { name: 'Actions for shop' }).click()
    const lines = await page.getByRole('menuitem').allInnerTexts()
    return lines.map((line) => line.trim().split('\n')[0])
  }

  it('The menu and the deployment page link to the dashboard', async () => {
    const page = await session.openPage()
    assert.deepEqual(await openMenu(page), menu)
    await page.getByText('This needs the role operator or a higher one: sign in first.').first().waitFor()
    const cleanUp = page.getByRole('menuitem', { name: 'Clean up' })
    assert.equal(await cleanUp.getAttribute('aria-disabled'), 'true')
    const address = 'https://dash.example/search?q=octopod-shop'
    const item = page.getByRole('menuitem', { name: 'Dashboard' })
    assert.equal(await item.getAttribute('href'), address)
    assert.match((await item.getAttribute('rel')) ?? '', /noopener/)
    await page.goto(`${system.url}/deployments/shop`)
    assert.equal(await page.getByRole('link', { name: 'Dashboard' }).getAttribute('href'), address)
    await page.close()
  })

  it('Logs opens the last output, with a URL that can be shared', async () => {
    const page = await session.openPage()
    await session.signIn(page, system.adminHeader)
    assert.deepEqual(await openMenu(page), menu)
    await page.getByText('Archive it first.').waitFor()
    await page.getByRole('menuitem', { name: 'Logs' }).click()
    await page.locator('.log-lines').getByText('the registry is unreachable').waitFor()
    const [last] = await client.actions('shop')
    assert.equal(new URL(page.url()).search, `?output=${last?.action_id}`)
    await page.waitForFunction(() => {
      const top = document.querySelector('.log-viewer')?.getBoundingClientRect().top
      return top !== undefined && top > 0 && top < innerHeight
    })
    await page.reload()
    await page.locator('.log-lines').getByText('the registry is unreachable').waitFor()
    await page.getByRole('button', { name: 'Hide output' }).click()
    assert.equal(new URL(page.url()).search, '')
    // By default everybody of the page reads output.
    await page.locator('.account').click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('.account', { hasText: 'Not signed in' }).waitFor()
    await page.goto(`${system.url}/deployments/shop?output=${last?.action_id}`)
    await page.locator('.log-lines').getByText('the registry is unreachable').waitFor()
    await page.close()
  })

  it('Clean up of an archived deployment asks for its name', async () => {
    const page = await session.openPage('/?archived=1')
    await session.signIn(page, system.adminHeader)
    await client.archive('shop')
    await client.waitForStatus('shop', 'Archived')
    await page.locator('.status-label', { hasText: 'Archived' }).waitFor()
    await openMenu(page)
    await page.getByRole('menuitem', { name: 'Clean up' }).click()
    await page.getByRole('dialog').getByText('This cannot be undone').waitFor()
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Clean up' })
    await page.getByLabel(/^Enter .+ to confirm$/).fill('another')
    assert.equal(await confirm.getAttribute('aria-disabled'), 'true')
    await page.keyboard.press('Enter')
    await page.getByLabel(/^Enter .+ to confirm$/).fill('shop')
    await confirm.click()
    await page.getByRole('heading', { name: 'No deployments yet' }).waitFor()
    await client.waitUntilDeleted('shop')
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
