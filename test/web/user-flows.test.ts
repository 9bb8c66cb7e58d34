/**
 * Typical user flows in a real browser, with a real server and runner and control scripts whose behavior
 * each test sets.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { valueAdded as setTo } from '../../domain/overrides.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { signInAsAdmin } from '../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../helpers/browser/chromium.ts'
import { sampleDeployment } from '../helpers/browser/sample-deployment.ts'
import { type System, startSystem } from '../helpers/system.ts'

/** Sufficient on a busy machine. */
const timeout = 10_000

describe('user flows', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let context: BrowserContext
  const pageErrors: string[] = []

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([
      startSystem({ env: { PROJECT_NAME: 'Acme Shop' } }),
      openBrowser(),
    ])
    context = await browser.newContext({ reducedMotion: 'reduce' })
    client = createApiClient(system.url)
    await Promise.all([
      client.create('shop', { 'mail.host': 'mailhog' }),
      client.create('blog', { 'feature.x': 'on' }),
    ])
    await Promise.all([client.waitForStatus('shop', 'Running'), client.waitForStatus('blog', 'Running')])
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  /** Opens a new tab. Collects browser errors and requests to other hosts. */
  async function openPage(path = '/', width = 1280): Promise<Page> {
    const page = await context.newPage()
    await page.setViewportSize({ width, height: 900 })
    page.setDefaultTimeout(timeout)
    page.on('pageerror', (error) => pageErrors.push(String(error.stack)))
    page.on('console', (message) => {
      const expected = /Failed to load resource|WebSocket connection/.test(message.text())
      if (['error', 'warning'].includes(message.type()) && !expected) pageErrors.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(system.url)) pageErrors.push(`request to ${request.url()}`)
    })
    await page.goto(system.url + path)
    return page
  }
  const signIn = (page: Page) => signInAsAdmin(page, system.adminHeader)
  const rowOf = (page: Page, name: string) =>
    page.locator('tbody tr').filter({ has: page.locator(`a[href="/deployments/${name}"]`) })
  const chooseFrom = async (page: Page, name: string, item: string) => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: item, exact: true }).click()
  }

  it('Creating a deployment checks the name, shows defaults and a failed config check, and sends one request', async () => {
    const page = await openPage()
    const posts: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/deployments')) posts.push(request.url())
    })
    await page.getByRole('button', { name: 'New deployment' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('Fresh')
    await form.getByText('must begin with a lower-case letter a-z').waitFor()
    await form.getByLabel('Name').fill('shop')
    await form.getByText('A deployment named shop already exists.').waitFor()
    await form.getByLabel('Name').fill('fresh')
    await form.getByLabel('image.tag', { exact: true }).fill('nope')
    await system.setBehavior('config_check', 'reject There is no image tagged nope.')
    await form.getByRole('button', { name: 'Create' }).click()
    await form.getByText('There is no image tagged nope.').waitFor()

    await system.setBehavior('config_check', '')
    await form.getByLabel('image.tag', { exact: true }).fill('v2')
    await form.getByLabel('New key, application config').fill('mail . host')
    await form.getByLabel('New value, application config').fill('mailhog')
    await form.getByRole('button', { name: 'Create' }).dblclick()
    await page.waitForURL('**/deployments/fresh')
    await page.locator('.deployment-header .status-label', { hasText: 'Running' }).waitFor()
    assert.equal(posts.length, 2)
    const { deployment } = await client.fullInfo('fresh')
    assert.deepEqual(deployment.app_overrides, [setTo('image.tag', 'v2'), setTo('mail.host', 'mailhog')])
    assert.equal((await client.actions('fresh')).length, 1)
    await page.getByText('mailhog').first().waitFor()
    await page.close()
  })

  it('Changes by others are offered immediately and are found by name and config', async () => {
    const page = await openPage()
    await rowOf(page, 'shop').waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await client.create('news', { 'feature.y': 'on' })
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await rowOf(page, 'news').locator('.status-label', { hasText: 'Running' }).waitFor()
    await page.getByLabel('Search names and config').fill('FEATURE')
    await rowOf(page, 'shop').waitFor({ state: 'detached' })
    await rowOf(page, 'news').waitFor()
    assert.equal(await page.locator('mark').first().textContent(), 'feature')
    await page.getByLabel('Search names and config').fill('nothing like it')
    await page.getByText('No deployment matches.').waitFor()
    await page.close()
  })

  it('Input is kept when the application defaults change with the deployment config', async () => {
    const page = await openPage()
    await chooseFrom(page, 'blog', 'Edit config')
    await page.getByLabel('replicas', { exact: true }).fill('7')
    await system.setBehavior('application_config', 'print image.tag,us-tag')
    await page.getByLabel('region', { exact: true }).fill('us')
    await page.waitForFunction(() => {
      const inputs = [...document.querySelectorAll<HTMLInputElement>('.key-row input')]
      return inputs.some((input) => input.value === 'us-tag')
    })
    assert.equal(await page.getByLabel('replicas', { exact: true }).inputValue(), '7')
    await system.setBehavior('application_config', '')

    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Keep editing' }).click()
    assert.equal(await page.getByLabel('replicas', { exact: true }).inputValue(), '7')
    await page.getByRole('button', { name: 'Undo my change: replicas' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.close()
  })

  it('An admin sees live output and cancels the action', async () => {
    await system.setBehavior('update', 'hang')
    const page = await openPage('/deployments/blog')
    await signIn(page)
    await page.getByRole('button', { name: 'Edit config' }).click()
    await page.getByLabel('image.tag', { exact: true }).fill('v3')
    await page.keyboard.press('Control+Enter')
    await page.locator('.last-action').getByText('hanging').waitFor()
    // Another action can wait for the running one.
    assert.equal(await page.getByRole('button', { name: 'Archive' }).getAttribute('aria-disabled'), 'false')
    await page.locator('.last-action').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel the action' }).click()
    await page.locator('.action').first().getByText('Update cancelled').waitFor()
    await system.setBehavior('update', '')
    await page.close()
  })

  it('Archive asks for confirmation; restore and delete work from the list', async () => {
    const page = await openPage()
    await signIn(page)
    await chooseFrom(page, 'blog', 'Archive')
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    // No row moves below the pointer.
    await page.mouse.move(0, 0)
    await rowOf(page, 'blog').waitFor({ state: 'detached' })
    await page.getByLabel(/^Archived/).click()
    await rowOf(page, 'blog').locator('.status-label', { hasText: 'Archived' }).waitFor()
    await chooseFrom(page, 'blog', 'Restore')
    await rowOf(page, 'blog').locator('.status-label', { hasText: 'Running' }).waitFor()

    const other = await openPage('/deployments/blog')
    await other.getByRole('heading', { name: 'blog' }).waitFor()
    await chooseFrom(page, 'blog', 'Delete record')
    await page.getByLabel('Enter blog to confirm').fill('blog')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete record' }).click()
    await page.mouse.move(0, 0)
    await rowOf(page, 'blog').waitFor({ state: 'detached' })
    await other.getByText('blog was deleted').waitFor()
    await page.close()
    await other.close()
  })

  it('A lost connection is shown, and the page catches up when the server is back', async () => {
    const page = await openPage()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await system.server.stop()
    await page.locator('.badge', { hasText: /Reconnecting|Offline/i }).waitFor()
    const back = await system.startServer({ PORT: new URL(system.url).port })
    await createApiClient(back.url).create('late')
    await page.locator('.badge').click()
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await rowOf(page, 'late').waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await page.close()
  })

  it('Load errors and unknown pages have a message, and retry works', async () => {
    const page = await openPage('/deployments/unknown')
    await page.getByText('Deployment unknown does not exist').waitFor()
    await page.goto(`${system.url}/no-such-page`)
    await page.getByText('Page not found').waitFor()
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ status: 502, body: '<html>' }))
    await page.goto(system.url)
    await page.getByText('The server answered 502').waitFor()
    await page.unroute('**/api/v1/deployments')
    // The page may have retried on its own; then the button is gone.
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 2000 })
      .catch(() => {})
    await rowOf(page, 'shop').waitFor()
    await page.close()
  })

  it('A rendering error shows a message, and navigation recovers', async () => {
    const nonsense = { ...sampleDeployment({ name: 'odd' }), metadata: null }
    const page = await openPage('/deployments/unknown')
    await page.getByText('Deployment unknown does not exist').waitFor()
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json: [nonsense] }))
    await page.goto(system.url)
    await page.getByText('Something went wrong on this page').waitFor()
    await page.goBack()
    await page.getByText('Deployment unknown does not exist').waitFor()
    await page.close()
  })

  it('Markup and links from users and scripts are shown as text', async () => {
    const maliciousText = '<img src=x onerror="document.title=1">'
    await system.setBehavior('info', `print ${maliciousText},javascript:document.title=1`)
    await system.setBehavior('create', `fail ${maliciousText}`)
    // A successful check would set the status to Running before the test reads it.
    await client.create('evil', { 'key.x': maliciousText, 'behave.check': 'exit 1' })
    await client.waitForStatus('evil', 'GenericFailure')
    const page = await openPage('/deployments/evil')
    await signIn(page)
    await page.locator('.action').getByRole('button', { name: 'Output' }).click()
    await page.locator('.log-viewer pre', { hasText: maliciousText }).waitFor()
    await page.goto(system.url)
    await rowOf(page, 'evil').getByText(maliciousText).first().waitFor()
    assert.equal(await page.locator('main img, a[href^="javascript"]').count(), 0)
    await page.close()
  })

  it('Only http and https links are rendered', async () => {
    const list = (await client.api('GET', '/deployments')).body as { metadata: unknown }[]
    const body = JSON.stringify(
      list.map((info) => ({ ...info, metadata: [{ name: 'trap', link: 'javascript:alert(1)' }] })),
    )
    const page = await openPage('/no-such-page')
    await page.route('**/api/v1/deployments', (route) =>
      route.fulfill({ body, contentType: 'application/json' }),
    )
    await page.goto(system.url)
    await page.getByText('trap').first().waitFor()
    assert.equal(await page.getByRole('link', { name: 'trap' }).count(), 0)
    await page.close()
  })

  it('The page fits a phone and works with the keyboard alone', async () => {
    const page = await openPage('/', 360)
    await rowOf(page, 'shop').waitFor()
    const isTooWide = () =>
      page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    assert.equal(await isTooWide(), false)
    await page.getByRole('button', { name: 'Actions for shop' }).focus()
    await page.keyboard.press('Enter')
    // Past Open and Copy link.
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Edit shop' }).waitFor()
    assert.equal(await isTooWide(), false)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.goto(`${system.url}/deployments/shop`)
    await page.getByText('mailhog').first().waitFor()
    assert.equal(await isTooWide(), false)
    await page.close()
  })

  it('The browser reported no error and no request to another host', () => {
    assert.deepEqual(pageErrors, [])
  })
})
