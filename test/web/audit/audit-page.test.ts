/** The page "Audit log" in a real browser: sentences, filters, details, new entries, pages, and who sees what. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'

describe('audit log', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser

  before(async () => {
    ;[all, browser] = await Promise.all([startSignedInSystem({ PROJECT_NAME: 'Acme Shop' }), openBrowser()])
    const [dev1, dev2, ada] = [await all.signIn('dev1'), await all.signIn('dev2'), await all.signIn('ada')]
    await dev1.create('shop-search')
    await ada.create('blog')
    const client = createApiClient(all.origin)
    await client.waitForStatus('shop-search', 'Running')
    await update(dev1, { 'image.tag': 'v1', 'db.password': 'TOPSECRET-1' })
    await update(dev1, { 'image.tag': 'v2', 'db.password': 'TOPSECRET-2' })
    await ada.api('DELETE', '/deployments/blog/delete')
    assert.equal((await dev2.api('DELETE', '/deployments/shop-search/delete')).status, 403)
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  type Person = Awaited<ReturnType<SignedInSystem['signIn']>>
  const update = async (person: Person, config: Record<string, string>) => {
    const app_overrides = Object.entries(config).map(([key, contents]) => [
      key,
      { tag: 'ValueAdded', contents },
    ])
    const body = { app_overrides, deployment_overrides: [] }
    assert.equal((await person.api('PUT', '/deployments/shop-search', body)).status, 200)
    await createApiClient(all.origin).waitForStatus('shop-search', 'Running')
  }
  /** A browser in which somebody is signed in. */
  const openAs = async (subject: string, path: string): Promise<{ session: BrowserSession; page: Page }> => {
    const session = await openBrowserSession(browser, all.origin, {}, [all.provider.issuer])
    const page = await session.openPage(path)
    await page.getByRole('link', { name: /^Sign in with/ }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await page.locator('.account').waitFor()
    return { session, page }
  }
  const finish = async ({ session }: { session: BrowserSession }) => {
    session.assertNoErrors()
    await session.close()
  }
  const rows = (page: Page) => page.locator('.audit li')
  const row = (page: Page, text: string | RegExp) => rows(page).filter({ hasText: text }).first()
  const check = async (page: Page, what: string) => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      assert.deepEqual(await findAxeViolations(page), [], `${what}, ${colorScheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('The account menu leads to sentences about all that was done, also with what is gone', async () => {
    const opened = await openAs('ada', '/')
    const { page } = opened
    await page.locator('.account').click()
    await page.getByRole('link', { name: 'Audit log' }).click()
    await page.getByRole('heading', { name: 'Audit log' }).waitFor()
    await row(page, 'Dev One updated shop-search: db.password changed (secret), image.tag v1 to v2').waitFor()
    await row(page, 'Dev Two was not allowed to delete the record of shop-search').waitFor()
    await row(page, /Ada Admin deleted the record of blog\s*gone/).waitFor()
    await row(page, 'Ada Admin signed in').waitFor()
    assert.equal(await row(page, 'created shop-search').locator('.audit-gone').count(), 0)
    assert.doesNotMatch(await page.content(), /TOPSECRET/)
    await check(page, 'the audit log')
    await page.goto(`${all.origin}/deployments/blog`)
    await page.getByRole('link', { name: 'Audit log of blog' }).click()
    await row(page, 'Ada Admin deleted the record of blog').waitFor()
    assert.equal(new URL(page.url()).search, '?deployment=blog')
    await finish(opened)
  })

  it('The keyboard opens an entry: time, proof, values before and after, masked secrets', async () => {
    const opened = await openAs('dev1', '/audit?deployment=shop-search&operation=update')
    const { page } = opened
    await row(page, 'image.tag v1 to v2').locator('summary').focus()
    await page.keyboard.press('Enter')
    const details = row(page, 'image.tag v1 to v2').locator('.audit-details')
    const year = String(new Date().getFullYear())
    await details
      .locator('dd', { hasText: year })
      .filter({ hasText: /\d\dZ\)/ })
      .waitFor()
    await details.getByText('Dev One, signed in').waitFor()
    await details.getByText(all.provider.issuer).first().waitFor()
    const changed = (key: string) => details.locator('tr', { hasText: key }).locator('td')
    assert.deepEqual(await changed('image.tag').allTextContents(), ['v1', 'v2'])
    assert.deepEqual(await changed('db.password').allTextContents(), ['secret', 'secret'])
    await check(page, 'an open entry')
    await details.getByRole('link', { name: 'shop-search', exact: true }).click()
    await page.getByRole('heading', { name: 'shop-search' }).waitFor()
    await page.locator('.actions').getByRole('link', { name: 'Audit log' }).click()
    await page.getByLabel('Deployment').waitFor()
    assert.equal(await page.getByLabel('Deployment').inputValue(), 'shop-search')
    await finish(opened)
  })

  it('Filters are in the URL, work together and can be cleared', async () => {
    const opened = await openAs('ada', '/audit?outcome=refused&operation=nonsense')
    const { page } = opened
    await row(page, 'Dev Two was not allowed').waitFor()
    assert.equal(await row(page, 'updated').count(), 0)
    assert.equal(new URL(page.url()).search, '?outcome=refused')
    await page.getByLabel('Who').fill('Dev One')
    await page.keyboard.press('Enter')
    await page.getByText('No entry matches.').waitFor()
    await page.getByLabel('Outcome').selectOption('Any')
    await page.getByLabel('What').selectOption('Create')
    await page.getByLabel('When').selectOption('Last hour')
    await row(page, 'Dev One created shop-search').waitFor()
    assert.equal(await rows(page).count(), 1)
    assert.equal(new URL(page.url()).search, '?actor=Dev+One&operation=create&since=1h')
    await page.reload()
    await row(page, 'Dev One created shop-search').waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await row(page, 'signed in').waitFor()
    assert.equal(new URL(page.url()).search, '')
    await finish(opened)
  })

  it('New entries wait for a click, so that no row moves by itself', async () => {
    const opened = await openAs('ada', '/audit?deployment=shop-search')
    const { page } = opened
    await row(page, 'image.tag v1 to v2').waitFor()
    const [count, first] = [await rows(page).count(), await rows(page).first().textContent()]
    const dev1 = await all.signIn('dev1')
    await update(dev1, { 'image.tag': 'v3', 'db.password': 'TOPSECRET-2' })
    await update(dev1, { 'image.tag': 'v4', 'db.password': 'TOPSECRET-2' })
    const show = page.getByRole('button', { name: '2 new entries, show' })
    await show.waitFor({ timeout: 60_000 })
    assert.deepEqual([await rows(page).count(), await rows(page).first().textContent()], [count, first])
    await check(page, 'new entries')
    await show.press('Enter')
    await rows(page).first().filter({ hasText: 'image.tag v3 to v4' }).waitFor()
    assert.equal(await rows(page).count(), count + 2)
    await page.waitForFunction(() => document.activeElement?.textContent?.includes('v3 to v4'))
    await finish(opened)
  })

  it('Somebody with some names sees entries about these and the own sign-in, without addresses of others', async () => {
    const opened = await openAs('dev2', '/audit')
    const { page } = opened
    await row(page, 'Dev One updated shop-search').waitFor()
    await row(page, 'Dev Two signed in').waitFor()
    assert.equal(await row(page, 'blog').count(), 0)
    assert.equal(await row(page, 'Ada Admin signed in').count(), 0)
    await row(page, 'Dev One updated').locator('summary').click()
    const from = row(page, 'Dev One updated').locator('dl > div', { hasText: /^From/ })
    assert.equal(await from.textContent(), 'Fromapi')
    await finish(opened)
  })

  it('Load more continues to the oldest entry, and a failure keeps what is shown', async () => {
    const database = new pg.Client({ connectionString: all.system.databaseUrl })
    await database.connect()
    await database.query(`
      select insert_audit_entry('archive', 'accepted', 'Robot', null, null, 'system', null, null, null, null, null, 'shop-old', null, 1, '{}')
      from generate_series(1, 120)`)
    await database.end()
    const opened = await openAs('ada', '/audit?deployment=shop-old')
    const { page } = opened
    await page.getByText('50 entries, there are older ones').waitFor()
    const more = page.getByRole('button', { name: 'Load more' })
    await more.click()
    await page.getByText('100 entries, there are older ones').waitFor()
    await page.route('**/api/v1/audit?*', (route) => route.abort())
    await more.click()
    await page.getByText('This data may be outdated.').waitFor()
    assert.equal(await rows(page).count(), 100)
    await page.unroute('**/api/v1/audit?*')
    await more.click()
    await page.getByText('120 entries').waitFor()
    assert.equal(await more.count(), 0)
    assert.equal(await rows(page).first().locator('.audit-gone').count(), 1)
    await page.route('**/api/v1/audit?*', (route) => route.fulfill({ status: 500, body: '' }))
    await page.reload()
    await page.getByText('Could not load the audit log').waitFor()
    await check(page, 'a failed load')
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await page.unroute('**/api/v1/audit?*')
    // The page also tries again by itself.
    await page.getByText('50 entries, there are older ones').waitFor()
    await finish(opened)
  })
})
