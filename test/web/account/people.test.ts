/** People who sign in at an identity provider, in a real browser: two tabs, sessions that end, errors, and the way back. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'

describe('people', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser
  const opened: BrowserSession[] = []

  before(async () => {
    ;[all, browser] = await Promise.all([
      startSignedInSystem({ PROJECT_NAME: 'Acme Shop', OIDC_NAME: 'Keycloak' }),
      openBrowser(),
    ])
    const dev1 = await all.signIn('dev1')
    assert.equal((await dev1.create('shop-one')).status, 200)
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  /** A browser of its own, which may also talk to the provider. */
  const openSession = async () => {
    const session = await openBrowserSession(browser, all.origin, {}, [all.provider.issuer])
    opened.push(session)
    return session
  }
  const signInAtProvider = async (page: Page, subject: string) => {
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await page.locator('.account').waitFor()
  }
  const signOut = async (page: Page) => {
    await page.locator('.account').click()
    await page.getByRole('button', { name: 'Sign out' }).click()
  }

  it('Whoever is not signed in gets the sign-in in place of every page, and then that page, in all tabs', async () => {
    const session = await openSession()
    const one = await session.openPage('/deployments/shop-one')
    const two = await session.openPage('/?q=one')
    for (const page of [one, two]) await page.getByRole('heading', { name: 'Sign in to Acme Shop' }).waitFor()
    assert.equal(await one.locator('.badge').count(), 0)
    assert.equal(await one.getByText('continue without').count(), 0)
    await signInAtProvider(one, 'dev1')
    await one.getByRole('heading', { name: 'shop-one' }).waitFor()
    await two.locator('a[href="/deployments/shop-one"]').waitFor()
    assert.equal(new URL(two.url()).search, '?q=one')
    for (const page of [one, two]) await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await signOut(one)
    // The provider asks whether to end its session too.
    await one.locator('[name=logout]').waitFor()
    await two.getByRole('heading', { name: 'Sign in to Acme Shop' }).waitFor()
    await session.close()
  })

  it('The account menu says who is signed in, how and why, by keyboard too', async () => {
    const session = await openSession()
    const page = await session.openPage()
    await signInAtProvider(page, 'dev1')
    await page.locator('.account', { hasText: 'Dev One' }).press('Enter')
    const panel = page.getByRole('dialog', { name: 'Account' })
    for (const text of ['dev1@example.com', 'signed in', all.provider.issuer, 'shop-*', 'developer'])
      await panel.getByText(text).first().waitFor()
    await panel.getByText('by', { exact: false }).first().waitFor()
    await page.keyboard.press('Tab')
    await panel.getByRole('radio', { name: 'System' }).and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Your sessions…')
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    assert.match((await page.locator(':focus').textContent()) ?? '', /Account: Dev One/)
    await session.close()
  })

  it('A session that an admin ends closes the page of its person, and signing in goes on with the form', async () => {
    const [mine, theirs] = [await openSession(), await openSession()]
    const page = await theirs.openPage('/deployments/shop-one')
    await signInAtProvider(page, 'dev1')
    await page.locator('.deployment-header .status-label', { hasText: 'Running' }).waitFor()
    await page.getByRole('button', { name: 'Edit config' }).click()
    await page.getByLabel('image.tag', { exact: true }).fill('v77')

    const admin = await mine.openPage()
    await signInAtProvider(admin, 'ada')
    await admin.locator('.account').click()
    await admin.getByRole('button', { name: 'Your sessions…' }).click()
    const dialog = admin.getByRole('dialog', { name: /sessions/ })
    await dialog.getByText('this browser').waitFor()
    assert.equal(await dialog.getByText('Dev One').count(), 0)
    await dialog.getByLabel("Everybody's").check()
    const ends = dialog.getByRole('button', { name: /^End the session Dev One/ })
    await ends.first().waitFor()
    for (let left = await ends.count(); left > 0; left -= 1) {
      await ends.first().click()
      await ends.nth(left - 1).waitFor({ state: 'detached' })
    }

    const form = page.getByRole('dialog', { name: 'Edit shop-one' })
    await form.getByText('Your session has ended.').waitFor()
    await form.getByRole('button', { name: 'Sign in again' }).click()
    // The provider still knows the person.
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).last().click()
    await form.waitFor()
    assert.equal(await form.getByLabel('image.tag', { exact: true }).inputValue(), 'v77')
    assert.equal(new URL(page.url()).pathname, '/deployments/shop-one/edit')
    await form.getByRole('button', { name: 'Save and update' }).click()
    await page.locator('.config-diff', { hasText: 'v77' }).first().waitFor()
    await page.locator('.action').first().getByText('Dev One').click()
    await page.locator('.actor-details[open]').getByText(all.provider.issuer).waitFor()
    await mine.close()
    await theirs.close()
  })

  it('Without input the end of a session shows the sign-in, which returns to the same place', async () => {
    const session = await openSession()
    const page = await session.openPage('/deployments/shop-one')
    await signInAtProvider(page, 'dev2')
    await page.getByRole('heading', { name: 'shop-one' }).waitFor()
    await session.forgetSession()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in to Acme Shop' }).waitFor()
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.getByRole('heading', { name: 'shop-one' }).waitFor()
    await session.close()
  })

  it('Somebody without a role gets an explanation, and goes on when there is a role', async () => {
    const session = await openSession()
    const page = await session.openPage()
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=subject]').fill('nobody1')
    await page.locator('[name=continue]').click()
    await page.getByRole('heading', { name: 'You have no role here' }).waitFor()
    const facts = page.locator('.no-role .identity-facts')
    for (const text of ['nobody1@example.com', all.provider.issuer]) await facts.getByText(text).waitFor()
    assert.equal(await page.locator('.list').count(), 0)
    await session.close()
  })

  it('A failed sign-in is explained by its code alone, with the request id', async () => {
    const session = await openSession()
    const page = await session.openPage('/sign-in?error=sign_in_denied&request=abc-123')
    await page.getByText('The identity provider did not sign you in').waitFor()
    await page.getByText('abc-123').waitFor()
    await page.goto(
      `${all.origin}/sign-in?error=${encodeURIComponent('<b>call 0800-FRAUD</b>')}&request=<i>x`,
    )
    await page.getByText('The sign-in has failed.').waitFor()
    assert.doesNotMatch((await page.locator('body').innerText()) ?? '', /FRAUD|<i>/)
    await page.goto(`${all.origin}/deployments/shop-one`)
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=cancel]').click()
    await page.getByText('The identity provider did not sign you in, or the sign-in was cancelled.').waitFor()
    // The error page returns to where the sign-in began.
    await signInAtProvider(page, 'dev1')
    await page.getByRole('heading', { name: 'shop-one' }).waitFor()
    await session.close()
  })

  for (const target of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    'javascript:alert(1)',
  ])
    it(`A sign-in never leads to another site: ${target}`, async () => {
      const session = await openSession()
      const page = await session.openPage(`/sign-in?returnTo=${encodeURIComponent(target)}`)
      const link = page.getByRole('link', { name: 'Sign in with Keycloak' })
      assert.equal(await link.getAttribute('href'), '/auth/login?returnTo=%2F')
      await signInAtProvider(page, 'dev1')
      assert.equal(page.url(), `${all.origin}/`)
      // Whoever is signed in is sent on at once.
      await page.goto(`${all.origin}/sign-in?returnTo=${encodeURIComponent(target)}`)
      await page.locator('a[href="/deployments/shop-one"]').waitFor()
      assert.equal(new URL(page.url()).origin, all.origin)
      await session.close()
    })

  it('No browser reported an error', () => {
    for (const session of opened) session.assertNoErrors()
  })
})
