/** Secrets on the page of somebody who may not see them: list, deployment, form, history. In a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { overridesToWire } from '../../../domain/overrides.ts'
import { type ApiClient, createApiClient, getActionId, overrides } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { withDatabase } from '../../helpers/with-database.ts'

const secret = 'TOPSECRET-4711'

describe('secrets on the page', { skip: missingBrowser() }, () => {
  let system: System
  let admin: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    admin = createApiClient(system.url)
    const body = {
      name: 'shop',
      ...overridesToWire({
        application: overrides({ 'db.password': secret, 'db.host': 'db-1', 'image.tag': 'v2' }),
        deployment: overrides({ 'region.token': secret }),
      }),
    }
    await admin.api('POST', '/deployments', body)
    await admin.waitForStatus('shop', 'Running')
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const check = async (page: Page, what: string) => {
    assert.doesNotMatch(await page.content(), /TOPSECRET|\*\*\*\./, what)
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 1440],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      assert.deepEqual(await findAxeViolations(page), [], `${what}, ${colorScheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1440, height: 900 })
  }
  const application = (page: Page) => page.locator('section.config-level[aria-label="Application config"]')
  const storedPassword = async () =>
    new Map((await admin.fullInfo('shop')).deployment.app_overrides).get('db.password')
  const edit = async () => {
    const page = await session.openPage('/deployments/shop')
    await page.getByRole('heading', { name: 'shop' }).waitFor()
    await page.keyboard.press('e')
    await page.getByLabel('replicas', { exact: true }).waitFor()
    await page.getByLabel('region', { exact: true }).waitFor()
    return page
  }
  const save = async (page: Page) => {
    await page.getByRole('button', { name: 'Save and update' }).click()
    await page.locator('.sheet').waitFor({ state: 'detached' })
    await admin.waitForStatus('shop', 'Running')
  }

  it('The list shows that a value is secret, and a search does not find it', async () => {
    const page = await session.openPage()
    await page.locator('.override', { hasText: 'db.password' }).getByText('secret', { exact: true }).waitFor()
    await check(page, 'the list')
    for (const query of ['TOPSECRET', '***', 'AV']) {
      await page.getByRole('searchbox').fill(query)
      await page
        .getByText(/Nothing|No .*match/)
        .first()
        .waitFor()
    }
    await page.getByRole('searchbox').fill('password')
    await page.locator('.override', { hasText: 'db.password' }).waitFor()
    await page.close()
  })

  it('A deployment shows its config without secrets', async () => {
    const page = await session.openPage('/deployments/shop')
    const password = page.locator('.config-entry', { hasText: 'db.password' }).first()
    await password.getByText('secret', { exact: true }).waitFor()
    await page
      .locator('.config-entry', { hasText: 'region.token' })
      .getByText('secret', { exact: true })
      .waitFor()
    await check(page, 'a deployment')
    await page.close()
  })

  it('An update of another key keeps the secret', async () => {
    const page = await edit()
    const field = application(page).getByLabel('db.password', { exact: true })
    assert.equal(await field.inputValue(), '')
    assert.equal(await field.getAttribute('placeholder'), 'secret, unchanged')
    await check(page, 'the form')
    await page.getByLabel('image.tag', { exact: true }).fill('v3')
    await save(page)
    assert.deepEqual(await storedPassword(), { tag: 'ValueAdded', contents: secret })
    await page.close()
  })

  it('What is typed replaces the secret, and Undo brings it back', async () => {
    const page = await edit()
    const field = application(page).getByLabel('db.password', { exact: true })
    await field.fill('another one')
    const row = application(page)
      .locator('.key-row')
      .filter({ has: page.getByLabel('db.password', { exact: true }) })
    assert.equal(await row.getAttribute('data-modified'), 'true')
    await row.getByRole('button', { name: 'Undo my change: db.password' }).click()
    assert.equal(await field.getAttribute('placeholder'), 'secret, unchanged')
    assert.equal(await row.getAttribute('data-modified'), 'false')
    await field.fill('correct-horse')
    await check(page, 'a new secret')
    await save(page)
    assert.deepEqual(await storedPassword(), { tag: 'ValueAdded', contents: 'correct-horse' })
    await page.locator('.config-diff', { hasText: 'db.password' }).getByText('secret changed').waitFor()
    await check(page, 'the history')
    await page.close()
  })

  it('A failed update whose secret was not kept is not repeated with the old one', async () => {
    await system.setBehavior('update', 'exit 1')
    const body = overridesToWire({ application: overrides({ 'db.password': 'not-kept' }), deployment: [] })
    const action = await admin.waitForActionEnd(
      getActionId(await admin.api('PUT', '/deployments/shop', body)),
    )
    assert.equal(action.state, 'failed')
    // As after an action that ends before its script starts.
    await withDatabase(system.databaseUrl, (client) =>
      client.query('update deployments set app_overrides = $1', [
        JSON.stringify(overrides({ 'db.password': 'correct-horse' })),
      ]),
    )
    const page = await session.openPage('/deployments/shop')
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByText('had other values of secret keys than the deployment has now: db.password').waitFor()
    assert.equal((await admin.actions('shop'))[0]?.action_id, action.action_id)
    await page.close()
    session.assertNoErrors()
  })
})
