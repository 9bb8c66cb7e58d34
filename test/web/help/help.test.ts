/** The help menu and the documents that the server serves, in a real browser: no link is dead. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('help', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem({ runner: false }), openBrowser()])
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('The menu links the documents and the API of this version, and shows the keyboard shortcuts', async () => {
    const page = await session.openPage()
    const help = page.getByRole('button', { name: 'Help', exact: true })
    await help.press('Enter')
    assert.equal((await page.locator(':focus').textContent())?.trim(), 'Guide')
    assert.deepEqual(await findAxeViolations(page), [])
    await page.getByRole('menuitem', { name: 'What is new in Octopod 2.0' }).waitFor()
    const links = await page
      .locator('a[role=menuitem]')
      .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href))
    assert.equal(links.length, 4)
    for (const link of links) {
      const { pathname, hash } = new URL(link)
      const response = await fetch(link, { headers: { accept: 'text/html' } })
      const text = await response.text()
      assert.equal(response.status, 200, pathname)
      assert.ok(!text.includes('id="app"'), `${pathname} is no page of the application`)
      assert.ok(hash === '' || text.includes(`id="${hash.slice(1)}"`), link)
    }
    await page.getByRole('menuitem', { name: 'Keyboard shortcuts' }).press('Enter')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.close()
  })

  it('A document is readable on every screen, in both themes', async () => {
    const page = await session.openPage()
    const cell = page.locator('td').nth(1)
    const heading = () => cell.evaluate((found) => getComputedStyle(found, '::before').content)
    for (const name of ['changelog', 'guide', 'octo']) {
      await page.goto(`${system.url}/docs/${name}.html`)
      for (const [width, colorScheme] of [
        [1440, 'light'],
        [360, 'dark'],
      ] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.emulateMedia({ colorScheme })
        await page.locator(`:root[data-theme=${colorScheme}]`).waitFor({ state: 'attached' })
        assert.equal(await isTooWide(page), false, `${name}, ${width} px`)
        assert.deepEqual(await findAxeViolations(page), [], `${name}, ${width} px, ${colorScheme}`)
        // On a phone the cells are below each other.
        if (name === 'octo') assert.equal(await heading(), width < 600 ? '"what it does: "' : 'none')
      }
    }
    const icon = (await page.locator('link[rel=icon]').getAttribute('href')) ?? ''
    assert.match((await fetch(new URL(icon, system.url))).headers.get('content-type') ?? '', /^image\/svg/)
    await page.getByRole('link', { name: 'Deployments' }).click()
    await page.waitForURL(`${system.url}/`)
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
