/** An installation without deployments, for somebody who may create one, a viewer and somebody who has not signed in. In a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the first steps', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let open: System
  let browser: Browser

  before(async () => {
    buildPage()
    ;[all, open, browser] = await Promise.all([
      startSignedInSystem({ PROJECT_NAME: 'Acme Shop' }),
      startSystem({ runner: false }),
      openBrowser(),
    ])
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
    await open?.stop()
  })

  const openAs = async (subject: string) => {
    const session = await openBrowserSession(browser, all.origin, {}, [all.provider.issuer])
    const page = await session.openPage()
    await page.getByRole('link', { name: /^Sign in with/ }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await page.getByRole('heading', { name: 'No deployments yet' }).waitFor()
    return { session, page }
  }
  const check = async (page: Page, what: string) => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      await page.locator(`:root[data-theme=${colorScheme}]`).waitFor({ state: 'attached' })
      assert.deepEqual(await findAxeViolations(page), [], `${what}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('A viewer reads what a deployment is and whom to ask for the right to create one', async () => {
    const { session, page } = await openAs('view1')
    await page.getByText('A staging environment of Acme Shop').waitFor()
    const steps = page.locator('.first-steps')
    await steps.getByText('You may not create deployments. This needs the role developer').waitFor()
    assert.equal(await page.getByRole('button', { name: /sample/ }).count(), 0)
    const commands = page.getByRole('region', { name: 'Commands for a terminal' })
    assert.equal(await commands.textContent(), `octo login --url ${all.origin}\nocto list`)
    await check(page, 'the first steps of a viewer')
    session.assertNoErrors()
    await session.close()
  })

  it('A developer creates a sample with the keyboard, under a name that the role allows, with all defaults', async () => {
    const { session, page } = await openAs('dev1')
    await page.getByText('octo create shop-sample --wait').waitFor()
    await check(page, 'the first steps of a developer')
    await page.getByRole('button', { name: 'Create a sample…' }).press('Enter')
    const form = page.getByRole('dialog', { name: 'New deployment' })
    assert.equal(await form.getByLabel('Name', { exact: true }).inputValue(), 'shop-sample')
    // Nothing was entered, so nothing is lost.
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Create a sample…' }).press('Enter')
    await form.getByLabel('Name', { exact: true }).press('Enter')
    await page.waitForURL(/\/deployments\/shop-sample$/)
    await page.locator('.status-label', { hasText: 'Running' }).first().waitFor()
    session.assertNoErrors()
    await session.close()
  })

  it('Somebody who has not signed in gets commands without a login, and may sign in where a role is missing', async () => {
    const session = await openBrowserSession(browser, open.url)
    const page = await session.openPage()
    await page.getByText(`export OCTOPOD_URL=${open.url}`).waitFor()
    await page.getByRole('button', { name: 'Create a sample…' }).waitFor()
    await page.route('**/api/v1/whoami', async (route) => {
      const response = await route.fetch()
      const who = await response.json()
      const grants = who.grants.map((grant: object) => ({ ...grant, role: 'viewer' }))
      await route.fulfill({ response, json: { ...who, role: 'viewer', grants } })
    })
    await page.reload()
    const steps = page.locator('.first-steps')
    await steps.getByText('This needs the role developer or a higher one: sign in first.').waitFor()
    await steps.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Shared credential').waitFor()
    session.assertNoErrors()
    await session.close()
  })
})
