/** The theme in a real browser: chosen by keyboard, remembered, applied before anything is drawn, and the same in all tabs. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

const backgrounds = { light: 'rgb(245, 245, 243)', dark: 'rgb(20, 23, 27)' }

describe('the theme', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([
      startSystem({ runner: false, env: { APP_AUTHORIZATION_HEADER: 'Basic c2hvcDpzZWNyZXQ=' } }),
      openBrowser(),
    ])
    session = await openBrowserSession(browser, system.url, { colorScheme: 'light' })
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const waitForTheme = (page: Page, theme: keyof typeof backgrounds) =>
    page.waitForFunction(
      ([wanted, background]) => {
        const { colorScheme, backgroundColor } = getComputedStyle(document.documentElement)
        const meta = document.querySelector<HTMLMetaElement>('meta[name=color-scheme]')
        return colorScheme === wanted && backgroundColor === background && meta?.content === wanted
      },
      [theme, backgrounds[theme]],
    )

  it('It is chosen with the keyboard, and all tabs follow', async () => {
    const [page, other] = [await session.openPage(), await session.openPage()]
    for (const each of [page, other]) await waitForTheme(each, 'light')
    await page.locator('.account').press('Enter')
    const chosen = page.getByRole('group', { name: 'Theme' }).getByRole('radio', { checked: true })
    await page.getByRole('radio', { name: 'System' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    assert.equal(await chosen.locator('xpath=..').textContent(), 'Dark')
    for (const each of [page, other]) await waitForTheme(each, 'dark')
    assert.deepEqual(await findAxeViolations(page), [])
    for (const each of [page, other]) await each.close()
  })

  it('A remembered theme is there before the code of the page is, whatever the system prefers', async () => {
    const page = await session.openPage()
    await waitForTheme(page, 'dark')
    const release = Promise.withResolvers<void>()
    await page.route(/\/(main|chunk)-\w+\.js$/, async (route) => {
      await release.promise
      await route.continue()
    })
    await page.reload({ waitUntil: 'commit' })
    await page.getByText('Loading…').waitFor()
    await waitForTheme(page, 'dark')
    assert.equal(await page.locator('.top-bar').count(), 0)
    release.resolve()
    await page.locator('.top-bar').waitFor()
    await waitForTheme(page, 'dark')
    await page.close()
  })

  it('The theme of the system is followed while the page is open, and the documents have the same theme', async () => {
    const page = await session.openPage()
    await page.locator('.account').click()
    await page.getByRole('radio', { name: 'System' }).check()
    await waitForTheme(page, 'light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await waitForTheme(page, 'dark')
    assert.deepEqual(await findAxeViolations(page), [])
    await page.goto(`${system.url}/docs/guide.html`)
    await waitForTheme(page, 'dark')
    await page.close()
  })

  it('Before signing in, theme and help are there too', async () => {
    const page = await session.openPage('/no-such-page')
    await page.route('**/config.json', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), app_auth: '' } })
    })
    await page.goto(`${system.url}/`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByRole('button', { name: 'Account: Not signed in' }).click()
    await page.getByRole('radio', { name: 'Dark' }).check()
    await waitForTheme(page, 'dark')
    assert.deepEqual(await findAxeViolations(page), [])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Help', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Guide' }).waitFor()
    assert.equal(await page.getByRole('menuitem', { name: 'Keyboard shortcuts' }).count(), 0)
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
