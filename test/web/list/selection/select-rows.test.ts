/** Deployments are selected in the list by mouse, by keyboard alone and on a phone, with lists that the tests control. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { FullInfo } from '../../../../domain/schemas.ts'
import { findAxeViolations } from '../../../helpers/browser/axe.ts'
import { isTooWide } from '../../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../../helpers/browser/chromium.ts'
import {
  manyDeployments,
  minute,
  openControlledList,
  openList,
  rowOf,
} from '../../../helpers/browser/list-page.ts'
import { type System, startSystem } from '../../../helpers/system.ts'

const many = manyDeployments(700)

describe('selecting rows of the list', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  const scriptErrors: string[] = []

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem({ runner: false }), openBrowser()])
    context = await browser.newContext({ reducedMotion: 'reduce' })
    context.on('weberror', (error) => scriptErrors.push(String(error.error().stack)))
  })
  afterEach(async () => {
    await Promise.all(context.pages().map((page) => page.close()))
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const open = (width = 1440, list: readonly FullInfo[] = many) =>
    openControlledList(context, system.url, list, { width })
  const box = (page: Page, name: string) => page.getByLabel(`Select ${name}`, { exact: true })
  const waitForCount = (page: Page, count: number) =>
    count === 0
      ? page.locator('.bulk-bar').waitFor({ state: 'detached' })
      : page.locator('.bulk-bar').getByText(`${count} selected`, { exact: true }).waitFor()

  it('A click selects a row, Shift a range, the header all; the rows keep their heights and places', async () => {
    const { page } = await open()
    const boxesOf = () =>
      page
        .locator('tr[data-name]')
        .evaluateAll((rows) =>
          rows
            .slice(0, 8)
            .map((row) => [row.getBoundingClientRect().top, row.getBoundingClientRect().height]),
        )
    const before = await boxesOf()
    await box(page, 'd-1').click()
    await waitForCount(page, 1)
    await box(page, 'd-4').click({ modifiers: ['Shift'] })
    await waitForCount(page, 4)
    assert.equal(await page.evaluate(() => String(getSelection())), '')
    assert.deepEqual(await boxesOf(), before)
    const all = page.getByRole('columnheader').getByLabel('Select all: 700 deployments')
    assert.equal(await all.evaluate((input: HTMLInputElement) => input.indeterminate), true)
    await all.click()
    await waitForCount(page, 700)
    await box(page, 'd-2').click()
    await waitForCount(page, 699)
    await all.click()
    await all.click()
    await waitForCount(page, 0)
  })

  it('The selection stays while the list is scrolled, changed and searched, and loses what is deleted', async () => {
    const { page, sendEvent, sendDeletion } = await open()
    for (const name of ['d-1', 'd-2', 'd-3']) await box(page, name).click()
    await page.evaluate(() => scrollTo(0, 30_000))
    await rowOf(page, 'd-1').waitFor({ state: 'detached' })
    await page.evaluate(() => scrollTo(0, 0))
    assert.equal(await box(page, 'd-1').isChecked(), true)
    sendEvent({ ...(many[3] as FullInfo), revision: 2, updated_at: minute(9999) })
    await page.getByRole('button', { name: 'Show 1 change' }).click()
    await page.locator('tr[aria-rowindex="2"][data-name="d-3"]').waitFor()
    assert.equal(await box(page, 'd-3').isChecked(), true)
    sendDeletion('d-2')
    await waitForCount(page, 2)
    assert.equal(await box(page, 'd-2').count(), 0)

    await page.getByLabel('Search names and config').fill('d-69')
    await page.locator('.bulk-bar').getByText('2 not shown').waitFor()
    const found = page.getByRole('columnheader').getByLabel(/^Select all: \d+ deployments found/)
    const count = 2 + Number(/\d+/.exec((await found.getAttribute('aria-label')) ?? ''))
    await found.click()
    await waitForCount(page, count)
    await page.getByLabel('Search names and config').fill('nothing-like-this')
    await page.getByText('No deployment').waitFor()
    assert.equal(await page.getByLabel(/^Select all/).count(), 0)
    await page.locator('.bulk-bar').getByText(`${count} not shown`).waitFor()
    // Escape belongs to the field while one types.
    await page.getByLabel('Search names and config').press('Escape')
    await waitForCount(page, count)
    await page.getByRole('button', { name: 'Clear the selection' }).click()
    await waitForCount(page, 0)
  })

  it('By keyboard alone: Space, ranges, all, the bar and back', async () => {
    const { page } = await open()
    await page.getByRole('button', { name: 'Changed', exact: true }).focus()
    await page.keyboard.press('Tab')
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
      )
    assert.equal(await focused(), 'Select d-0')
    await page.keyboard.press('Space')
    await waitForCount(page, 1)
    for (let at = 0; at < 3; at += 1) await page.keyboard.press('Shift+ArrowDown')
    await waitForCount(page, 4)
    await page.keyboard.press('Shift+ArrowUp')
    await waitForCount(page, 3)
    assert.equal(await focused(), 'Select d-2')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
    await waitForCount(page, 4)
    // Far from the viewport the next row is not drawn.
    await page.evaluate(() => scrollTo(0, 30_000))
    await rowOf(page, 'd-8').waitFor({ state: 'detached' })
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Select d-5')
    await page.keyboard.press('Control+a')
    await waitForCount(page, 700)
    const scrolled = await page.evaluate(() => scrollY)
    await page.keyboard.press('b')
    assert.equal(await focused(), 'Archive')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await focused(), 'Clear the selection')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    assert.equal(await focused(), 'Restore')
    assert.equal(await page.evaluate(() => scrollY), scrolled)
    await page.keyboard.press('Escape')
    await waitForCount(page, 0)
    await page.keyboard.press('?')
    await page.getByText('Go to the bar of the selected deployments').waitFor()
  })

  for (const [scheme, width] of [
    ['light', 1440],
    ['dark', 1440],
    ['light', 800],
    ['light', 360],
    ['dark', 360],
  ] as const) {
    it(`The selected rows and the bar fit and are accessible at ${width} px, ${scheme}`, async () => {
      const { page } = await open(width, many.slice(0, 12))
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.getByLabel('Select all: 12 deployments').locator('visible=true').click()
      await waitForCount(page, 12)
      await box(page, 'd-1').click()
      await waitForCount(page, 11)
      assert.deepEqual(await findAxeViolations(page), [])
      assert.equal(await isTooWide(page), false)
      if (width > 940) return
      await page.getByRole('button', { name: 'More for the selected deployments' }).click()
      await page.getByRole('menuitem', { name: 'Unset a key…' }).waitFor()
      assert.deepEqual(await findAxeViolations(page), [])
      const isInSight = await page
        .getByRole('menuitem', { name: 'Retry' })
        .evaluate((item) => item.getBoundingClientRect().top >= 0)
      assert.equal(isInSight, true)
      await page.keyboard.press('Escape')
      await waitForCount(page, 11)
    })
  }

  it('The bar stays in sight at the end of the list and covers no row there', async () => {
    const { page } = await open(1440, many.slice(0, 40))
    await box(page, 'd-0').click()
    await waitForCount(page, 1)
    await page.waitForFunction(() => {
      scrollTo(0, document.body.scrollHeight)
      const row = document.querySelector('tr[data-name=d-39]')?.getBoundingClientRect()
      const bar = document.querySelector('.bulk-bar')?.getBoundingClientRect()
      return row !== undefined && bar !== undefined && row.bottom <= bar.top && bar.bottom <= innerHeight
    })
  })

  it('The bar is above the banner that no runner is connected', async () => {
    for (const width of [1440, 360]) {
      const page = await openList(context, system.url, {
        width,
        prepare: (page) =>
          page.route('**/api/v1/deployments', (route) => route.fulfill({ json: many.slice(0, 40) })),
      })
      await page.getByText('No runner is connected').waitFor()
      await box(page, 'd-1').click()
      await waitForCount(page, 1)
      await page.waitForFunction(() => {
        const [bar, banner] = ['.bulk-bar', '.banner p'].map((selector) =>
          document.querySelector(selector)?.getBoundingClientRect(),
        )
        return bar !== undefined && banner !== undefined && bar.bottom <= banner.top
      })
      await page.getByRole('button', { name: 'Clear the selection' }).click()
      await waitForCount(page, 0)
      await page.close()
    }
  })

  it('No script error occurred', () => {
    assert.deepEqual(scriptErrors, [])
  })
})
