/** Parts of the page whose code is loaded later: when they load, and what happens when they cannot be loaded. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'

describe('parts of the page that are loaded later', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem({ runner: false }), openBrowser()])
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await session?.close()
    await browser?.close()
    await system?.stop()
  })

  const loadedScripts = (page: Page) =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => new URL(name).pathname)
        .filter((path) => path.endsWith('.js')),
    )
  /** Opens the audit log without loading the page again. */
  const openAuditLog = async (page: Page) => {
    await page.locator('.account').click()
    await page.getByRole('link', { name: 'Audit log' }).click()
  }

  it('The list loads what it needs, then what most visits need next, and nothing else', async () => {
    const page = await session.openPage()
    const scripts = await waitFor('the last preloaded part', async () => {
      const value = (await loadedScripts(page)).join(' ')
      return { done: /\/log-viewer-/.test(value), value, seen: value }
    })
    assert.match(scripts, /\/deployment-form-/)
    assert.doesNotMatch(scripts, /audit-page|tokens-page|device-page|sessions-dialog/)
    await openAuditLog(page)
    await page.getByRole('heading', { name: 'Audit log' }).waitFor()
    assert.match((await loadedScripts(page)).join(' '), /audit-page/)
    await page.close()
  })

  it('A part that does not arrive is replaced by an error with a button, which loads it', async () => {
    const page = await session.openPage()
    await page.route(/audit-page-.*\.js$/, (route) => route.abort())
    await openAuditLog(page)
    const retry = page.getByRole('button', { name: 'Try again' })
    await retry.waitFor()
    await retry.click()
    await retry.waitFor()
    await page.unroute(/audit-page-.*\.js$/)
    await retry.click()
    await page.getByRole('heading', { name: 'Audit log' }).waitFor()
    await page.close()
  })

  it('The dialog of a part that does not arrive says so and closes', async () => {
    const page = await session.openPage()
    await page.route(/deployment-form-.*\.js$/, (route) => route.abort())
    await page.reload()
    await page.locator('.list').waitFor()
    await page.getByRole('main').click()
    await page.keyboard.press('n')
    const dialog = page.getByRole('dialog', { name: 'A part of the page could not be loaded' })
    await dialog.getByRole('button', { name: 'Close' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.close()
  })

  it('When the server has a newer page, it is loaded again, once', async () => {
    const page = await session.openPage()
    let pagesLoaded = 0
    page.on('load', () => {
      pagesLoaded += 1
    })
    await page.route(/audit-page-.*\.js$/, (route) => route.abort())
    // The answer to the page's own question. Documents are those of the server.
    await page.route(/\/$/, async (route) => {
      if (route.request().resourceType() !== 'fetch') return route.continue()
      const response = await route.fetch()
      const body = (await response.text()).replace(/src="\/main-[^"]+"/, 'src="/main-NEWESTXX.js"')
      await route.fulfill({ response, body })
    })
    await openAuditLog(page)
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/audit')
    assert.equal(pagesLoaded, 1)
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
