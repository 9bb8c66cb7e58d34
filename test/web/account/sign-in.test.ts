/** Credentials and user names: a default credential, a wrong one, and a proxy that sets the user name. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('signing in', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    const env = { APP_AUTHORIZATION_HEADER: 'Basic c2hvcDpzZWNyZXQ=', ACTOR_HEADER: 'X-Person' }
    ;[system, browser] = await Promise.all([startSystem({ env }), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
    await client.create('shop')
    await client.waitForStatus('shop', 'Running')
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  it('With a credential in config.json the page and its live events need no sign-in', async () => {
    const page = await session.openPage()
    await page.locator('a[href="/deployments/shop"]').waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await client.create('blog')
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await page.locator('a[href="/deployments/blog"]').waitFor()
    await page.close()
  })

  it('Without a credential the page asks for one, rejects a wrong one and accepts a right one', async () => {
    const page = await session.openPage('/no-such-page')
    const json = { app_url: '', ws_url: '', app_auth: '', kubernetes_dashboard_url_template: null }
    await page.route('**/config.json', (route) => route.fulfill({ json }))
    await page.goto(system.url)
    await page.locator('.error-box').getByText('This needs a credential').waitFor()
    await page.locator('.error-box').getByRole('button', { name: 'Sign in' }).click()
    const field = page.getByLabel('Authorization')
    await field.fill('Basic wrong')
    await page.keyboard.press('Enter')
    await page.locator('dialog .error-box').waitFor()
    assert.equal(await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).isEnabled(), true)
    await field.fill('Basic c2hvcDpzZWNyZXQ=')
    await page.keyboard.press('Enter')
    await page.locator('a[href="/deployments/shop"]').waitFor()
    await page.locator('.role', { hasText: 'user' }).waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('This data may be outdated').waitFor()
    await page.close()
  })

  /** Without websockets, a click on the badge fetches the list. */
  const withoutSockets = async () => {
    const page = await session.openPage('/no-such-page')
    await page.routeWebSocket('**/event', (socket) => socket.close())
    await page.goto(system.url)
    await page.locator('a[href="/deployments/shop"]').waitFor()
    return page
  }

  for (const [behavior, response] of Object.entries({
    redirects: { status: 302, headers: { location: 'https://login.example.com/' } },
    'returns its own page': { contentType: 'text/html', body: '<!DOCTYPE html><p>Log in' },
  }))
    it(`An expired sign-in at a proxy that ${behavior} is reported, and the page recovers`, async () => {
      const page = await withoutSockets()
      await page.route('**/api/**', (route) => route.fulfill(response))
      await page.locator('.badge').click()
      await page.getByText('Your sign-in has ended. Sign in again in another tab').waitFor()
      await page.unrouteAll()
      await page.locator('.badge').click()
      await page.locator('.warning').waitFor({ state: 'detached' })
      await page.close()
    })

  it('A rejected default credential is reloaded from config.json', async () => {
    const page = await withoutSockets()
    const other = await system.startServer({ APP_AUTHORIZATION_HEADER: 'Bearer other' })
    await page.route(/\/api\/|config\.json/, (route) =>
      route.continue({ url: route.request().url().replace(system.url, other.url) }),
    )
    const refused = page.waitForResponse((response) => response.status() === 401)
    await page.locator('.badge').click()
    await refused
    await client.create('news')
    await page.locator('.badge').click()
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await page.locator('a[href="/deployments/news"]').waitFor()
    assert.equal(await page.locator('.warning').count(), 0)
    await page.close()
  })

  it('The user name of a proxy is shown, and no name is asked for', async () => {
    const proxied = await openBrowserSession(browser, system.url, {
      extraHTTPHeaders: { 'X-Person': 'Maria Weiß' },
    })
    const page = await proxied.openPage('/deployments/shop')
    await page.locator('.account', { hasText: 'Maria' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Your name' }).count(), 0)
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await page.locator('.action', { hasText: 'Archive' }).first().getByText('Maria').waitFor()
    proxied.assertNoErrors()
    await proxied.close()
  })

  it('A failed load of config.json is reported, and retry works', async () => {
    const page = await session.openPage('/no-such-page')
    await page.route('**/config.json', (route) => route.fulfill({ status: 503, body: 'unavailable' }))
    await page.goto(system.url)
    await page.getByText('Octopod could not start').waitFor()
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('a[href="/deployments/blog"]').waitFor()
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
