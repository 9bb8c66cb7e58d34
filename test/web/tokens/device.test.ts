/** The page /device, where a person approves a program, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import {
  createBrowser,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'

describe('a program that logs in', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser

  before(async () => {
    ;[all, browser] = await Promise.all([
      startSignedInSystem({ OIDC_NAME: 'Keycloak', TRUSTED_PROXIES: '127.0.0.1', ANONYMOUS_ROLE: 'viewer' }),
      openBrowser(),
    ])
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  type Started = { device_code: string; user_code: string; verification_uri_complete: string }
  const program = () => createBrowser(all.origin)
  const start = async (headers: Record<string, string> = {}): Promise<Started> => {
    const body = { client_name: 'octo of dev1 on laptop' }
    return (await program().request('POST', '/auth/device', body, headers)).body as Started
  }
  const poll = async ({ device_code }: Started) =>
    (await program().request('POST', '/auth/device/token', { device_code })).body as {
      error?: string
      role?: string
      name?: string
      expires_in?: number
    }
  const openPage = async (path: string, options: BrowserContextOptions = {}) => {
    const session = await openBrowserSession(browser, all.origin, options, [all.provider.issuer])
    return { session, page: await session.openPage(path) }
  }
  const signIn = async (page: Page, subject: string) => {
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
  }
  const pathOf = ({ verification_uri_complete }: Started) =>
    verification_uri_complete.slice(all.origin.length)

  it('Somebody follows the link, signs in, compares and approves with less than the own rights', async () => {
    const login = await start()
    // Everyone may read here; a token needs somebody nevertheless.
    const { session, page } = await openPage(pathOf(login))
    await signIn(page, 'ada')
    await page.getByText('Does your program show this code?').waitFor()
    await page.locator('.user-code', { hasText: login.user_code }).waitFor()
    for (const text of ['octo of dev1 on laptop', '127.0.0.1', 'Ada Admin', 'for 90 days'])
      await page.locator('.device-approval').getByText(text).first().waitFor()
    await page.getByText('Give it less').click()
    await page.getByLabel('Role at most').selectOption('operator')
    await page.getByLabel('Ends after').selectOption('7')
    await page.locator('.identity-facts .role', { hasText: 'operator' }).waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
    assert.equal(new URL(page.url()).search, '')
    const { name, role, expires_in = 0 } = await poll(login)
    assert.deepEqual([name, role], ['Ada Admin', 'operator'])
    assert.equal(Math.round(expires_in / 86_400), 7)
    await page.getByRole('link', { name: 'Your access tokens' }).click()
    await page.locator('.tokens li', { hasText: 'octo of dev1 on laptop' }).waitFor()
    session.assertNoErrors()
    await session.close()
  })

  it('A person types the code as it likes, and denies', async () => {
    const login = await start()
    const { session, page } = await openPage('/device')
    await signIn(page, 'dev1')
    const field = page.getByLabel('The code that your program shows')
    await field.fill('hello')
    assert.equal(await page.getByRole('button', { name: 'Continue' }).isEnabled(), false)
    await field.fill('BCDF-BCDF')
    await page.keyboard.press('Enter')
    await page.getByText('This code is unknown, has expired or was used already').waitFor()
    await field.fill(login.user_code.toLowerCase().replace('-', ' '))
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByRole('heading', { name: 'Denied' }).waitFor()
    assert.equal((await poll(login)).error, 'access_denied')
    await session.close()
  })

  it('A program at another address is approved only after a second thought', async () => {
    const login = await start({ 'X-Forwarded-For': '203.0.113.9' })
    const { session, page } = await openPage(pathOf(login))
    await signIn(page, 'dev1')
    const approve = page.getByRole('button', { name: 'Approve' })
    await page.locator('.identity-facts').getByText('203.0.113.9').waitFor()
    assert.equal(await approve.isEnabled(), false)
    await page.getByLabel('The program asks from another address than this browser.').check()
    await approve.click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
    await session.close()
  })

  it('A shared credential approves too; a code that ends meanwhile is explained', async () => {
    const login = await start()
    const { session, page } = await openPage(pathOf(login))
    await page.getByRole('button', { name: 'Use a shared credential' }).click()
    await page.getByLabel('Shared credential').fill(adminHeader)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    const other = await all.signIn('dev2')
    await other.api('POST', '/device_login', { user_code: login.user_code, approve: false })
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('This code is unknown, has expired or was used already').waitFor()
    const next = await start()
    await page.getByLabel('The code that your program shows').fill(next.user_code)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
    assert.deepEqual((await poll(next)).role, 'admin')
    await session.close()
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`On a phone, ${colorScheme}, everything fits and is accessible`, async () => {
      const login = await start({ 'X-Forwarded-For': '2001:db8:1234:5678:9abc:def0:1234:5678' })
      const options = { viewport: { width: 360, height: 740 }, colorScheme }
      const { session, page } = await openPage('/device', options)
      await signIn(page, 'dev1')
      const check = async () => {
        assert.equal(await isTooWide(page), false)
        assert.deepEqual(await findAxeViolations(page), [])
      }
      await page.getByLabel('The code that your program shows').waitFor()
      await check()
      await page.goto(login.verification_uri_complete)
      await page.getByText('Give it less').click()
      await check()
      await session.close()
    })
})
