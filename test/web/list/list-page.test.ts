/** The list in a real browser: long lists, narrow screens, several tabs, lost connections. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page, WebSocketRoute } from 'playwright-core'
import type { FullInfo } from '../../../domain/schemas.ts'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import {
  drawnNames,
  manyDeployments,
  minute,
  openControlledList,
  openList,
  rowOf,
} from '../../helpers/browser/list-page.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'
import { type System, startSystem } from '../../helpers/system.ts'

const many = manyDeployments(1500)

describe('the list page', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let context: BrowserContext
  const scriptErrors: string[] = []

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    context = await browser.newContext({ reducedMotion: 'reduce' })
    context.on('weberror', (error) => scriptErrors.push(String(error.error().stack)))
    client = createApiClient(system.url)
    await Promise.all([client.create('shop', { 'mail.host': 'mailhog' }), client.create('blog')])
    await Promise.all([client.waitForStatus('shop', 'Running'), client.waitForStatus('blog', 'Running')])
  })
  afterEach(async () => {
    await Promise.all(context.pages().map((page) => page.close()))
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const open = (width = 1440, prepare: (page: Page) => Promise<unknown> = async () => {}) =>
    openList(context, system.url, { width, prepare })
  const openLong = (width = 1440, list: FullInfo[] = many) =>
    openControlledList(context, system.url, list, {
      width,
      prepare: (page) => page.addInitScript(keepMostRows),
    })

  for (const width of [1440, 768, 360]) {
    it(`A long list draws only rows near the viewport, without holes, at ${width} px`, async () => {
      const { page } = await openLong(width)
      assert.ok((await drawnNames(page)).length < 80)
      assert.equal(await page.locator('table').getAttribute('aria-rowcount'), '1501')
      assert.equal(await rowOf(page, 'd-0').getAttribute('aria-rowindex'), '2')
      for (let at = 0; at < 12; at += 1) {
        await page.mouse.wheel(0, at < 6 ? 900 : -400)
        await page.waitForTimeout(20)
        const covered = await page.evaluate(() =>
          [150, 450, 750].every(
            (y) => document.elementFromPoint(innerWidth / 3, y)?.closest('.spacer') === null,
          ),
        )
        assert.ok(covered, `a hole after ${at}`)
      }
      // Estimated heights must not make the last row unreachable.
      await page.keyboard.press('End')
      // The list becomes longer or shorter while its rows are measured.
      await page.waitForFunction(() => {
        scrollTo(0, document.body.scrollHeight)
        return document.querySelector('tr[data-name="d-1499"]') !== null
      })
      assert.ok((await drawnNames(page)).length < 80)
      const most = await page.evaluate(() => (window as unknown as { most: number }).most)
      assert.ok(most < 100, `${most} rows were drawn at some time`)
      const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      assert.equal(isTooWide, false)
    })
  }

  it('The focused row stays drawn, and Tab continues from it', async () => {
    const { page } = await openLong()
    await page.getByRole('link', { name: 'd-3', exact: true }).focus()
    await page.evaluate(() => scrollTo(0, 60_000))
    // One spacer above, one between the focused row and the viewport, one below.
    await page.waitForFunction(() => document.querySelectorAll('.spacer').length === 3, undefined, {
      polling: 50,
    })
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'd-3')
    await page.getByRole('link', { name: 'd-3', exact: true }).press('Tab')
    await page.waitForFunction(() => scrollY < 2000, undefined, { polling: 50 })
    // Press the second key only after the surrounding rows are drawn; otherwise the next focusable element is
    // far below.
    await rowOf(page, 'd-4').waitFor()
    await page.keyboard.press('Tab')
    await page.waitForFunction(() => scrollY < 2000, undefined, { polling: 50 })
  })

  it('An event redraws only its own row', async () => {
    const { page, sendEvent } = await openLong()
    await page.evaluate(() => {
      const seen: string[] = []
      Object.assign(window, { seen })
      new MutationObserver((changes) => {
        for (const { target, type, attributeName } of changes) {
          const element = target instanceof Element ? target : target.parentElement
          seen.push(`${element?.closest('tr')?.dataset.name ?? element?.className}: ${attributeName ?? type}`)
        }
      }).observe(document.querySelector('table') as Element, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      })
    })
    const seen = () => page.evaluate(() => (window as unknown as { seen: string[] }).seen.splice(0))
    const third = many[3] as FullInfo
    const failing = sampleDeployment({
      name: 'd-3',
      revision: 2,
      status: 'GenericFailure',
      created: third.created_at,
      changed: third.updated_at,
    })
    // With the same overrides the row keeps its height, so nothing below it changes.
    sendEvent({ ...failing, deployment: third.deployment })
    await rowOf(page, 'd-3').getByText('Failing').waitFor()
    assert.deepEqual([...new Set((await seen()).map((line) => line.split(':')[0]))], ['d-3'])

    // An older revision changes nothing and is not drawn.
    sendEvent({ ...third, revision: 1 })
    sendEvent({ ...(many[5] as FullInfo), revision: 2, updated_at: minute(9999) })
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await page.locator('tr[aria-rowindex="2"][data-name="d-5"]').waitFor()
    await rowOf(page, 'd-3').getByText('Failing').waitFor()
    const others = (await seen()).filter(
      (line) => !/^(d-5|undefined)|: (childList|aria-rowindex)$/.test(line),
    )
    assert.deepEqual(
      others.filter((line) => !line.endsWith(': style')),
      [],
    )
  })

  it('Fuzzy matches are highlighted, the matching override is shown, and other matches are offered', async () => {
    const list = [
      sampleDeployment({ name: 'feature-pay', app: { a: '1', b: '2', c: '3', 'image.tag': 'v2' } }),
      sampleDeployment({ name: 'other' }),
      sampleDeployment({ name: 'old-pay', status: 'Archived' }),
    ]
    const { page } = await openLong(1440, list)
    const search = page.getByLabel('Search names and config')
    await search.fill('imgae pay')
    await rowOf(page, 'other').waitFor({ state: 'detached' })
    assert.deepEqual(await page.locator('mark').allTextContents(), ['pay', 'image'])
    await search.fill('old')
    await page.getByRole('button', { name: 'Show archived' }).click()
    await rowOf(page, 'old-pay').waitFor()
    await search.fill('zzz')
    await page.getByRole('button', { name: 'Clear the search' }).click()
    await page.getByRole('button', { name: 'Name', exact: true }).click()
    await page.waitForURL(/sort=name/)
    assert.deepEqual(await drawnNames(page), ['feature-pay', 'old-pay', 'other'])
    await page.reload()
    await rowOf(page, 'other').waitFor()
    assert.deepEqual(await drawnNames(page), ['feature-pay', 'old-pay', 'other'])
  })

  it('A match in a long value is visible, and expanded overrides stay expanded', async () => {
    const { page } = await openLong()
    const row = rowOf(page, 'd-6')
    await row.getByRole('button', { name: '3 more' }).click()
    await row.getByText('feature-6-5').waitFor()
    // A focused row would stay drawn.
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.evaluate(() => scrollTo(0, 40_000))
    await row.waitFor({ state: 'detached' })
    await page.evaluate(() => scrollTo(0, 0))
    await row.getByText('feature-6-5').waitFor()

    const value = `registry.example/${'group/'.repeat(20)}needle-7`
    const other = await openLong(1440, [sampleDeployment({ name: 'deep', app: { 'image.tag': value } })])
    await other.page.getByLabel('Search names and config').fill('needle-7')
    const isSeen = () => {
      const mark = document.querySelector('mark')?.getBoundingClientRect()
      const label = document.querySelector('.override')?.getBoundingClientRect()
      return (
        mark !== undefined && label !== undefined && mark.right <= label.right && mark.bottom <= label.bottom
      )
    }
    await other.page.waitForFunction(isSeen)
  })

  it('A running action shows its elapsed and expected time', async () => {
    const action = { action: 'UpdateAction', state: 'running', started_at: new Date().toISOString() } as const
    const info = sampleDeployment({ name: 'busy', status: 'UpdatePending', action })
    const last_action = { ...info.last_action, expected_duration_ms: 40_000 }
    const { page } = await openLong(1440, [{ ...info, last_action } as FullInfo])
    await rowOf(page, 'busy').getByText('Updating').waitFor()
    await rowOf(page, 'busy').getByText('usually takes 40 s').waitFor()
    await rowOf(page, 'busy')
      .getByText(/0:(0[2-9]|[1-5]\d)/)
      .waitFor()
  })

  it('An action in one tab appears in all tabs with its outcome', async () => {
    const [one, other] = await Promise.all([open(), open(360)])
    await one.getByRole('button', { name: 'Actions for blog' }).click()
    await one.getByRole('menuitem', { name: 'Archive' }).click()
    await one.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await rowOf(one, 'blog').waitFor({ state: 'detached' })
    await client.waitForStatus('blog', 'Archived')
    // The row of the other tab changes, but keeps its place until its user asks.
    await rowOf(other, 'blog').locator('.status-label', { hasText: 'Archived' }).waitFor()
    await other.getByRole('button', { name: 'Show 1 change' }).click()
    await rowOf(other, 'blog').waitFor({ state: 'detached' })
    await client.restore('blog')
    for (const page of [one, other]) {
      await page.getByRole('button', { name: /^Show \d change/ }).click()
      await rowOf(page, 'blog').locator('.status-label', { hasText: 'Running' }).waitFor()
    }
    assert.equal((await client.fullInfo('blog')).last_action?.expected_duration_ms, undefined)
  })

  it('The page recovers from sleep and from a silent connection', async () => {
    const sockets: WebSocketRoute[] = []
    const connection = { mute: false }
    const page = await open(1440, async (page) => {
      await page.clock.install()
      await page.routeWebSocket('**/event', (socket) => {
        sockets.push(socket)
        const server = socket.connectToServer()
        const number = sockets.length
        server.onMessage((message) => {
          if (!(connection.mute && number === 1)) socket.send(message)
        })
      })
    })
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    // The first connection stays open but silent, as behind a proxy that has lost it.
    connection.mute = true
    await client.create('created-later')
    await client.waitForStatus('created-later', 'Running')
    assert.equal(await rowOf(page, 'created-later').count(), 0)
    await page.clock.fastForward(45_000)
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await rowOf(page, 'created-later').locator('.status-label', { hasText: 'Running' }).waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    assert.ok(sockets.length > 1)
  })

  it('A server restart is shown, and the page catches up', async () => {
    const page = await open()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await system.server.stop()
    await page.locator('.badge', { hasText: /Reconnecting|Offline/i }).waitFor()
    await page.getByText(/as of/).waitFor()
    const back = await system.startServer({ PORT: new URL(system.url).port })
    await createApiClient(back.url).archive('shop')
    // The row changes in place at once, but leaves the list only on request.
    await page.locator('tr[data-name="shop"].archived').waitFor()
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await rowOf(page, 'shop').waitFor({ state: 'detached' })
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await page.getByText('Updated just now').waitFor()
  })

  it('No script error occurred', () => {
    assert.deepEqual(scriptErrors, [])
  })
})

/** Runs in the browser: records the maximum number of drawn rows. */
function keepMostRows(): void {
  const seen = { most: 0 }
  Object.defineProperty(window, 'most', { get: () => seen.most })
  new MutationObserver(() => {
    seen.most = Math.max(seen.most, document.querySelectorAll('tr[data-name]').length)
  }).observe(document, { childList: true, subtree: true })
}
