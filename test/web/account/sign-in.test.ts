/** Credentials and user names: a default credential, a wrong one, and a proxy that sets the user name. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { errorBody } from '../../../domain/errors.ts'
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
    const env = {
      APP_AUTHORIZATION_HEADER: 'Basic c2hvcDpzZWNyZXQ=',
      CONFIG_JSON_CREDENTIAL: 'on',
      ACTOR_HEADER: 'X-Person',
      TRUSTED_PROXIES: '127.0.0.1/32',
    }
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
    await withoutDefaultCredential(page)
    await page.goto(`${system.url}/deployments/shop`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const field = page.getByLabel('Shared credential')
    await field.fill('Basic wrong')
    await page.keyboard.press('Enter')
    await page.locator('.error-box', { hasText: 'This is no credential of this installation' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Sign in' }).isEnabled(), true)
    await field.fill('Basic c2hvcDpzZWNyZXQ=')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'shop', exact: true }).waitFor()
    await page.locator('.account .role', { hasText: 'developer' }).waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await page.locator('.account').click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.equal(new URL(page.url()).pathname, '/')
    await page.close()
  })

  const withoutDefaultCredential = (page: Page) =>
    page.route('**/config.json', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), app_auth: '' } })
    })

  it('A session is shared by all tabs: one that signs in or out changes the others', async () => {
    const [one, two] = [await session.openPage('/no-such-page'), await session.openPage('/no-such-page')]
    for (const page of [one, two]) {
      await withoutDefaultCredential(page)
      await page.goto(system.url)
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    }
    const sent: (string | undefined)[] = []
    two.on('request', (request) => {
      if (request.url().includes('/api/')) sent.push(request.headers().authorization)
    })
    await one.getByLabel('Shared credential').fill(system.adminHeader)
    await one.keyboard.press('Enter')
    for (const page of [one, two]) {
      await page.locator('a[href="/deployments/shop"]').waitFor()
      await page.locator('.account .role', { hasText: 'admin' }).waitFor()
      await page.locator('.badge', { hasText: 'Live' }).waitFor()
    }
    assert.ok(sent.length > 0 && sent.every((header) => header === undefined), 'only the cookie is sent')
    assert.deepEqual(await two.evaluate(() => Object.keys(sessionStorage)), [])
    await two.reload()
    await two.locator('.account .role', { hasText: 'admin' }).waitFor()
    await one.locator('.account').click()
    await one.getByRole('button', { name: 'Sign out' }).click()
    await two.getByRole('heading', { name: 'Sign in' }).waitFor()
    await Promise.all([one.close(), two.close()])
  })

  for (const [what, answer] of Object.entries({
    'over http': { status: 400, json: errorBody('insecure_transport', 'Signing in needs https.') },
    'with an older server': { status: 404, json: errorBody('not_found', 'No route.') },
  }))
    it(`Where there can be no session, ${what}, the tab keeps the credential`, async () => {
      const page = await session.openPage('/no-such-page')
      await withoutDefaultCredential(page)
      await page.route('**/auth/session', (route) => route.fulfill(answer))
      await page.goto(system.url)
      const field = page.getByLabel('Shared credential')
      await field.fill('Basic wrong')
      await page.keyboard.press('Enter')
      await page.locator('.error-box').waitFor()
      await field.fill(system.adminHeader)
      await page.keyboard.press('Enter')
      await page.locator('.account .role', { hasText: 'admin' }).waitFor()
      await page.reload()
      await page.locator('.account .role', { hasText: 'admin' }).waitFor()
      await page.locator('.badge', { hasText: 'Live' }).waitFor()
      await page.locator('.account').click()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
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
    await page.locator('.account').click()
    await page.getByRole('dialog', { name: 'Account' }).getByText('signed in at the proxy').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Your name' }).count(), 0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await page
      .locator('.action', { hasText: 'Archive' })
      .first()
      .locator('.actor-name', { hasText: 'Maria' })
      .waitFor()
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
