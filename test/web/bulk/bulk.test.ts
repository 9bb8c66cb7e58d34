/** One change of many deployments on the page: preview, question, progress, outcomes, with a real server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page, Route } from 'playwright-core'
import type { FullInfo } from '../../../domain/schemas.ts'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { rowOf } from '../../helpers/browser/list-page.ts'
import { type System, startSystem } from '../../helpers/system.ts'

const names = ['one', 'two', 'three', 'four'].map((name) => `shop-${name}`)

describe('one change of many deployments', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    await Promise.all(names.map((name) => client.create(name, { 'image.tag': 'v1' })))
    for (const name of names) await client.waitForStatus(name, 'Running')
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const open = async (width = 1280): Promise<Page> => {
    const page = await session.openPage('/?archived=1')
    await page.setViewportSize({ width, height: 900 })
    await rowOf(page, 'shop-four').waitFor()
    return page
  }
  const select = async (page: Page, ...selected: string[]) => {
    for (const name of selected) await page.getByLabel(`Select ${name}`, { exact: true }).click()
    await page.locator('.bulk-bar').waitFor()
  }
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()
  const dialogOf = (page: Page) => page.getByRole('dialog')
  const outcomesOf = (page: Page) => page.locator('.bulk-outcomes summary').allTextContents()
  const waitForOutcome = (page: Page, text: string | RegExp) =>
    page.locator('.bulk-outcomes summary', { hasText: text }).first().waitFor()
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

  it('Labels are entered, checked, confirmed and set; what has them already is unchanged', async () => {
    await client.api('PATCH', '/deployments/shop-two/labels', { set: { team: 'shop', old: '' } })
    const page = await open()
    await select(page, 'shop-one', 'shop-two')
    await press(page, 'Labels…')
    await page.getByLabel('Key', { exact: true }).fill('team')
    await page.getByLabel('Value', { exact: true }).fill('no spaces')
    await page.getByText('may hold only letters').waitFor()
    await check(page, 'the form of labels')
    await page.getByLabel('Value', { exact: true }).fill('shop')
    await press(page, 'Preview')
    await waitForOutcome(page, '1 will change')
    assert.deepEqual(await outcomesOf(page), ['1 will change', '1 stay as they are'])
    await page.locator('.bulk-outcomes summary').first().click()
    await page.locator('.bulk-names', { hasText: 'shop-one' }).waitFor()
    await check(page, 'the preview')
    await press(page, 'Back')
    await page.getByLabel('Key', { exact: true }).fill('team')
    await page.getByLabel('Value', { exact: true }).fill('shop')
    await page.getByLabel(/^old of 1/).check()
    await press(page, 'Preview')
    await page.getByText('team=shop is set. old is removed.').waitFor()
    await press(page, 'Change 2 deployments')
    await waitForOutcome(page, '2 changed')
    await check(page, 'the outcomes')
    await press(page, 'Close')
    await page.locator('.bulk-bar').waitFor({ state: 'detached' })
    for (const name of ['shop-one', 'shop-two'])
      assert.deepEqual((await client.fullInfo(name)).labels, { team: 'shop' })
    await page.close()
  })

  it('By keyboard alone deployments are archived with a reason, and restored; what is archived is unchanged', async () => {
    const page = await open()
    await page.getByLabel('Select shop-one', { exact: true }).focus()
    await page.keyboard.press('Space')
    await page.getByLabel('Select shop-two', { exact: true }).focus()
    await page.keyboard.press('Space')
    await page.locator('.bulk-bar').getByText('2 selected').waitFor()
    await page.keyboard.press('b')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Archive 2 deployments' }).waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('end of the sprint')
    await page.keyboard.press('Enter')
    await waitForOutcome(page, '2 accepted')
    await page.keyboard.press('Enter')
    await dialogOf(page).waitFor({ state: 'detached' })
    for (const name of ['shop-one', 'shop-two']) {
      const { last_action } = await client.waitForStatus(name, 'Archived')
      assert.deepEqual([last_action?.reason, last_action?.source], ['end of the sprint', 'page'])
    }
    await select(page, 'shop-one', 'shop-two')
    await press(page, 'Archive')
    await page.getByText('Nothing would change.').last().waitFor()
    assert.equal(
      await page.getByRole('button', { name: 'Archive 0 deployments' }).getAttribute('aria-disabled'),
      'true',
    )
    await check(page, 'a preview without a change')
    await page.keyboard.press('Escape')
    await press(page, 'Restore')
    await press(page, 'Restore 2 deployments')
    await waitForOutcome(page, '2 accepted')
    await page.close()
    for (const name of ['shop-one', 'shop-two']) await client.waitForStatus(name, 'Running')
  })

  it('On a phone a key is set and unset again', async () => {
    const page = await open(360)
    for (const operation of ['Set a key…', 'Unset a key…']) {
      await select(page, 'shop-three', 'shop-four')
      await press(page, 'More for the selected deployments')
      await page.getByRole('menuitem', { name: operation, exact: true }).click()
      await page.getByLabel('Key', { exact: true }).fill('feature.sale')
      const isSet = operation === 'Set a key…'
      if (isSet) await page.getByLabel('Value', { exact: true }).fill('on')
      await check(page, operation)
      await page.setViewportSize({ width: 360, height: 900 })
      await press(page, 'Preview')
      await press(page, 'Update 2 deployments')
      await waitForOutcome(page, '2 accepted')
      await press(page, 'Close')
      for (const name of ['shop-three', 'shop-four']) {
        const { deployment } = await client.waitForStatus(name, 'Running')
        const keys = deployment.app_overrides.map(([key]) => key)
        assert.deepEqual(keys, isSet ? ['image.tag', 'feature.sale'] : ['image.tag'])
      }
    }
    await page.close()
  })

  it('A connection that is lost in the middle is continued with the same key, and nothing is done twice', async () => {
    const page = await open()
    const sent: { names: string[]; key: string | undefined }[] = []
    await page.route('**/api/v1/bulk', async (route) => {
      const request = route.request()
      const body = request.postDataJSON() as { names: string[]; dry_run?: boolean }
      if (body.dry_run) return route.continue()
      sent.push({ names: body.names, key: request.headers()['idempotency-key'] })
      // The server has done all of it, and a part of its answer arrives. Then nothing does.
      if (sent.length === 2) return route.abort()
      const response = await route.fetch()
      const lines = (await response.text()).split('\n').filter(Boolean)
      await route.fulfill({ response, body: `${lines.slice(0, sent.length === 1 ? 1 : 9).join('\n')}\n` })
    })
    await select(page, 'shop-one', 'shop-two', 'shop-three')
    await press(page, 'Archive')
    await press(page, 'Archive 3 deployments')
    await waitForOutcome(page, '3 accepted')
    assert.deepEqual(
      sent.map(({ names }) => names.length),
      [3, 2, 2],
    )
    assert.equal(new Set(sent.map(({ key }) => key)).size, 1)
    await page.close()
    const actions = await Promise.all(names.slice(0, 3).map((name) => client.actions(name)))
    for (const [first, second] of actions) assert.notEqual(second?.action, first?.action)
    for (const name of names.slice(0, 3)) await client.waitForStatus(name, 'Archived')
    for (const name of names.slice(0, 3)) await client.restore(name)
    for (const name of names.slice(0, 3)) await client.waitForStatus(name, 'Running')
  })

  /** Answers that the test gives one by one. `dry_run` is answered at once. */
  const holdAnswers = async (page: Page) => {
    const held: { route: Route; names: string[] }[] = []
    await page.route('**/api/v1/bulk', (route) => {
      const { names, dry_run } = route.request().postDataJSON() as { names: string[]; dry_run?: boolean }
      if (!dry_run) return void held.push({ route, names })
      return accept(route, names)
    })
    return held
  }
  const accept = (route: Route, names: readonly string[]) =>
    route.fulfill({
      contentType: 'application/x-ndjson',
      body: names.map((name) => `${JSON.stringify({ name, outcome: 'accepted' })}\n`).join(''),
    })
  const waitForRequest = (page: Page) =>
    page.waitForRequest((request) => request.url().endsWith('/bulk') && !request.postDataJSON().dry_run)

  it('The dialog is closed while the change is under way; the bar shows it, and a toast says how it has ended', async () => {
    const page = await open()
    const held = await holdAnswers(page)
    await select(page, 'shop-one', 'shop-two')
    await press(page, 'Retry')
    const asked = waitForRequest(page)
    await press(page, 'Retry 2 deployments')
    await asked
    await page.getByText('Sending: 0 of 2').waitFor()
    await check(page, 'the progress')
    await press(page, 'Close')
    await page.locator('.bulk-bar', { hasText: '0 of 2' }).waitFor()
    await check(page, 'the bar with progress')
    await page.getByRole('link', { name: 'shop-four', exact: true }).click()
    await page.getByRole('heading', { name: 'shop-four' }).waitFor()
    const [{ route, names } = assert.fail('no request')] = held
    await accept(route, names)
    await page.locator('.toast', { hasText: 'Retry the last action of 2 deployments: 2 accepted.' }).waitFor()
    await press(page, 'Show outcomes')
    await waitForOutcome(page, '2 accepted')
    await page.keyboard.press('Escape')
    await page.goBack()
    await rowOf(page, 'shop-one').waitFor()
    assert.equal(await page.locator('.bulk-bar').count(), 0)
    await page.close()
  })

  it('A change is stopped and continued for what has no outcome', async () => {
    const page = await open()
    const held = await holdAnswers(page)
    await select(page, 'shop-one', 'shop-two')
    await press(page, 'Retry')
    const asked = waitForRequest(page)
    await press(page, 'Retry 2 deployments')
    await asked
    await press(page, 'Stop')
    await page.getByText('Stopped. 2 deployments of 2 have no outcome').waitFor()
    await check(page, 'a stopped change')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent?.trim()), 'Go on')
    const askedAgain = waitForRequest(page)
    await page.keyboard.press('Enter')
    await askedAgain
    const { route, names } = held[1] ?? assert.fail('no second request')
    await accept(route, names)
    await waitForOutcome(page, '2 accepted')
    await page.close()
  })

  it('What was refused stays selected and is tried again alone; a request that is refused says why', async () => {
    const page = await open()
    let refused: { code: string; message: string } | null = { code: 'busy', message: 'shop-two is busy.' }
    await page.route('**/api/v1/bulk', (route) => {
      const { names } = route.request().postDataJSON() as { names: string[] }
      const lines = names.map((name) =>
        name === 'shop-two' && refused !== null
          ? { name, outcome: 'refused', error: refused }
          : { name, outcome: 'accepted' },
      )
      return route.fulfill({
        contentType: 'application/x-ndjson',
        body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      })
    })
    await select(page, 'shop-one', 'shop-two')
    await press(page, 'Retry')
    await press(page, 'Retry 1 deployment')
    await waitForOutcome(page, '1 refused: shop-two is busy.')
    refused = null
    await press(page, 'Try the 1 refused again')
    await press(page, 'Retry 1 deployment')
    await waitForOutcome(page, '1 accepted')
    await press(page, 'Close')
    await page.locator('.bulk-bar').waitFor({ state: 'detached' })
    await page.unroute('**/api/v1/bulk')
    await page.route('**/api/v1/bulk', (route) =>
      route.fulfill({
        status: 500,
        json: { tag: 'AppError', error_message: 'It broke.', code: 'internal_error' },
      }),
    )
    await select(page, 'shop-one')
    await press(page, 'Archive')
    await dialogOf(page).getByText('It broke.').waitFor()
    await check(page, 'a preview that did not arrive')
    await page.unroute('**/api/v1/bulk')
    await press(page, 'Try again')
    await page.getByRole('button', { name: 'Archive 1 deployment' }).waitFor()
    await page.close()
  })

  it('For a busy deployment the preview asks what happens, and is made again with the answer', async () => {
    await client.update('shop-three', { 'image.tag': 'v1', 'behave.update': 'hang' })
    const page = await open()
    await select(page, 'shop-three', 'shop-four')
    await press(page, /^Set a key/)
    await page.getByLabel('Key', { exact: true }).fill('behave.update')
    await page.getByLabel('Value', { exact: true }).fill('exit 0')
    await press(page, 'Preview')
    await waitForOutcome(page, '1 refused')
    const choice = dialogOf(page).getByRole('group', { name: 'Where another action is running' })
    assert.equal(await choice.getByLabel('Fail').isChecked(), true)
    await choice.getByLabel('Replace').check()
    await waitForOutcome(page, '2 will change')
    await check(page, 'the choice for busy ones')
    await press(page, 'Update 2 deployments')
    await waitForOutcome(page, '2 accepted')
    await press(page, 'Close')
    for (const name of ['shop-three', 'shop-four']) {
      await client.waitForActionEnd((await client.fullInfo(name)).last_action?.action_id ?? 0)
      const { deployment } = await client.waitForStatus(name, 'Running')
      assert.equal(deployment.app_overrides.find(([key]) => key === 'behave.update')?.[1].tag, 'ValueAdded')
    }
    await page.close()
  })

  it('More than 500 selected deployments go out in several requests, and every outcome is shown', async () => {
    const [row] = (await client.api('GET', '/deployments')).body as FullInfo[]
    assert.ok(row)
    const many = Array.from({ length: 1001 }, (_, at) => `many-${String(at).padStart(4, '0')}`)
    const rows = many.map((name) => ({ ...row, deployment: { ...row.deployment, name } }))
    const page = await session.openPage('/no-such-page')
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json: rows }))
    const sent: { names: string[]; key: string | undefined; isPreview: boolean }[] = []
    await page.route('**/api/v1/bulk', (route) => {
      const { names, dry_run } = route.request().postDataJSON() as { names: string[]; dry_run?: boolean }
      sent.push({ names, key: route.request().headers()['idempotency-key'], isPreview: dry_run === true })
      const lines = names.map((name) =>
        name === 'many-0700'
          ? { name, outcome: 'refused', error: { code: 'forbidden', message: 'It is not yours.' } }
          : { name, outcome: 'accepted' },
      )
      return route.fulfill({
        contentType: 'application/x-ndjson',
        body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      })
    })
    await page.goto(`${system.url}/`)
    await page.getByRole('checkbox', { name: /^Select all/ }).click()
    await page.locator('.bulk-bar').getByText('1,001 selected').waitFor()
    await press(page, 'Archive')
    await waitForOutcome(page, '1,000 will change')
    await page.getByText('They are sent in 2 requests of at most 500').waitFor()
    await press(page, 'Archive 1,000 deployments')
    await waitForOutcome(page, '1,000 accepted')
    assert.deepEqual(await outcomesOf(page), ['1,000 accepted', '1 refused: It is not yours.'])
    const counts = (isPreview: boolean) =>
      sent.filter((request) => request.isPreview === isPreview).map((request) => request.names.length)
    assert.deepEqual(
      [counts(true), counts(false)],
      [
        [500, 500, 1],
        [500, 500],
      ],
    )
    const changed = sent.filter(({ isPreview }) => !isPreview)
    assert.deepEqual(
      changed.flatMap((request) => request.names).sort(),
      many.filter((name) => name !== 'many-0700'),
    )
    assert.equal(new Set(changed.map(({ key }) => key)).size, 1)
    await press(page, 'Close')
    await page.locator('.bulk-bar').getByText('1 selected').waitFor()
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
