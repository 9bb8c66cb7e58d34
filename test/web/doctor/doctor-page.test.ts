/** The page "Doctor" in a real browser: findings with cures, the checks of the browser, and who sees it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'

describe('doctor', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([
      startSystem({ runner: false, env: { ANONYMOUS_ROLE: 'viewer' } }),
      openBrowser(),
    ])
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const finding = (page: Page, code: string) => page.locator(`.findings li[data-code=${code}]`)
  const check = async (page: Page) => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      assert.deepEqual(await findAxeViolations(page), [], `${colorScheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('An admin opens it from the account menu, follows a cure and examines again', async () => {
    const page = await session.openPage()
    await session.signIn(page, system.adminHeader)
    await page.locator('.account').click()
    await page.getByRole('link', { name: 'Doctor' }).click()
    const noRunner = finding(page, 'no_runner')
    await noRunner.getByText('Error').waitFor()
    await noRunner.getByText('Start a runner').waitFor()
    assert.equal(
      await noRunner.getByRole('link', { name: 'About no_runner' }).getAttribute('href'),
      '/docs/doctor.html#no_runner',
    )
    const websocket = finding(page, 'ok').filter({ hasText: 'Connection of this browser' })
    await websocket.getByText('websocket connected').waitFor()
    await page.locator('.doctor-facts').getByText('Server, which answers here').waitFor()
    await check(page)

    await system.startRunner()
    const client = createApiClient(system.url)
    await waitFor('the doctor sees the runner', async () => {
      const { findings } = (await client.api('GET', '/doctor')).body as {
        findings: { code: string; subject: string }[]
      }
      const codes = findings.flatMap(({ code, subject }) => (subject === 'runners' ? [code] : []))
      return { done: codes.join() === 'ok', value: null, seen: codes }
    })
    await page.getByRole('button', { name: 'Examine again' }).click()
    await finding(page, 'ok').filter({ hasText: '1 runner' }).waitFor()
    assert.equal(await noRunner.count(), 0)
    await page.locator('.doctor-facts').getByText('Runner, 0 actions under way').waitFor()
    session.assertNoErrors()
    await page.close()
  })

  it('Where a proxy blocks websockets, the browser says so', async () => {
    const page = await session.openPage()
    await page.routeWebSocket(/\/event$/, (socket) => void socket.close())
    await page.goto(`${system.url}/doctor`)
    await finding(page, 'websocket_blocked').getByText('Error').waitFor()
    await page.close()
  })

  it('Others find no link, and the page says who may see it', async () => {
    const viewer = await openBrowserSession(browser, system.url)
    const page = await viewer.openPage('/doctor')
    await page.locator('.error-box').getByText('The role admin may see what the doctor finds').waitFor()
    await page.locator('.account-menu > button').click()
    await page.getByRole('dialog', { name: 'Account' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'Doctor' }).count(), 0)
    await viewer.close()
  })
})
