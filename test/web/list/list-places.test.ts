/** Filters, order and places of the list in a real browser, with lists that the tests control. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Browser, BrowserContext } from 'playwright-core'
import type { FullInfo } from '../../../domain/schemas.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import {
  drawnNames,
  manyDeployments,
  minute,
  openControlledList,
  rowOf,
} from '../../helpers/browser/list-page.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'
import { type System, startSystem } from '../../helpers/system.ts'

const many = manyDeployments(1500)

describe('filters and places of the list', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let context: BrowserContext
  const scriptErrors: string[] = []

  before(async () => {
    buildPage()
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
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

  const openLong = (width = 1440, list: FullInfo[] = many) =>
    openControlledList(context, system.url, list, { width })

  it('Filters and the natural order of names are part of the address, and are cleared in one step', async () => {
    const owner = { issuer: 'https://id.example', subject: 'maria', name: 'Maria' }
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 1 } as const
    const list = [
      { ...sampleDeployment({ name: 'feat-10' }), labels: { team: 'shop' }, owner },
      { ...sampleDeployment({ name: 'feat-2' }), labels: { team: 'shop' } },
      { ...sampleDeployment({ name: 'feat-1', action: failed }), labels: { team: 'search' } },
    ]
    const { page } = await openLong(1440, list)
    const choose = (filter: string, choice: string) =>
      page.getByRole('combobox', { name: filter, exact: true }).selectOption(choice)
    await page.getByRole('button', { name: 'Name', exact: true }).click()
    await page.waitForURL(/sort=name/)
    assert.deepEqual(await drawnNames(page), ['feat-1', 'feat-2', 'feat-10'])
    await choose('Label', 'team=shop (2)')
    await rowOf(page, 'feat-1').waitFor({ state: 'detached' })
    assert.deepEqual(await drawnNames(page), ['feat-2', 'feat-10'])
    await choose('Owner', 'Maria (1)')
    await rowOf(page, 'feat-2').waitFor({ state: 'detached' })
    await page.waitForURL(/owner=Maria&label=team%3Dshop/)
    await page.reload()
    await rowOf(page, 'feat-10').waitFor()
    assert.deepEqual(await drawnNames(page), ['feat-10'])
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await rowOf(page, 'feat-1').waitFor()
    await choose('Status', 'Last action failed (1)')
    await rowOf(page, 'feat-2').waitFor({ state: 'detached' })
    assert.deepEqual(await drawnNames(page), ['feat-1'])
    await choose('Age', 'Past hour')
    await page.getByText('No deployment passes these filters.').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await rowOf(page, 'feat-10').waitFor()
    await page.waitForURL((url) => url.search === '?sort=name')
  })

  it('Rows keep their places under the pointer and an open menu, until the user asks', async () => {
    const { page, sendEvent } = await openLong(1440, many.slice(0, 10))
    await page.getByRole('button', { name: 'Actions for d-1', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Open' }).waitFor()
    const before = await drawnNames(page)
    for (const at of [4, 6, 8])
      sendEvent({ ...(many[at] as FullInfo), revision: 2, updated_at: minute(9000 + at) })
    await page.getByRole('button', { name: 'Show 3 changes' }).waitFor()
    assert.deepEqual(await drawnNames(page), before)
    assert.equal(await page.getByRole('menuitem', { name: 'Open' }).isVisible(), true)
    await page.getByRole('button', { name: 'Show 3 changes' }).click()
    await page.locator('tr[aria-rowindex="2"][data-name="d-8"]').waitFor()
    assert.deepEqual((await drawnNames(page)).slice(0, 4), ['d-8', 'd-6', 'd-4', 'd-0'])
  })

  it('Back returns to the same row at the same place, with the same filters', async () => {
    const { page } = await openLong(1440)
    await page.getByLabel('Search names and config').fill('d-')
    await page.waitForURL(/q=d-/)
    await page.evaluate(() => scrollTo(0, 20_000))
    const placeOfMiddle = () => {
      const row = document.elementFromPoint(300, 600)?.closest<HTMLElement>('tr[data-name]')
      return row && { name: row.dataset.name, top: Math.round(row.getBoundingClientRect().top) }
    }
    await page.waitForFunction(placeOfMiddle)
    const before = await page.evaluate(placeOfMiddle)
    await page.evaluate(() =>
      document.elementFromPoint(300, 600)?.closest('tr')?.querySelector<HTMLElement>('th a')?.click(),
    )
    await page.waitForURL(/deployments[/]d-/)
    await page.waitForFunction(() => scrollY === 0)
    await page.goBack()
    await page.waitForFunction(
      ({ name, top }) => {
        const row = document.querySelector(`tr[data-name="${name}"]`)
        return row !== null && Math.abs(row.getBoundingClientRect().top - top) <= 2
      },
      { name: before?.name ?? '', top: before?.top ?? 0 },
    )
    assert.match(page.url(), /q=d-/)
  })

  it('No script error occurred', () => {
    assert.deepEqual(scriptErrors, [])
  })
})
