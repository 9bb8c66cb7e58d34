/**
 * The page in a real browser with 10, 1,000 and 10,000 deployments, measured with the performance API of the
 * browser.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { findChromium, openBrowser } from '../../../helpers/browser/chromium.ts'
import type { Bench } from '../../harness/bench.ts'
import { archive, createFixture } from '../../harness/fixture.ts'
import { longestTask, recordLongTasks } from '../../harness/long-tasks.ts'
import { median } from '../../harness/measure.ts'
import { startServer } from '../../harness/programs.ts'
import { formatMs, type Result } from '../../harness/results.ts'
import { resetActions, seed } from '../../harness/seed.ts'
import { type LogViewerTimes, measureLogViewer } from './log-viewer.ts'
import { type BulkTimes, measureBulk } from './many-deployments.ts'

const sizes = [10, 1000, 10_000]
const rounds = 3
const budgetMs = { firstRows: 1500, longTask: 100 }

type PageTimes = { firstRows: number; bare: number; typing: number; scrolling: number; event: number }

export async function page(bench: Bench, selected: ReadonlySet<string>): Promise<Result[]> {
  const browser = await openBuiltPage(bench)
  return [
    ...(selected.has('page') ? await measureSizes(bench, browser) : []),
    ...(selected.has('page-bulk') ? bulkResults(await measureBulk(bench, browser)) : []),
  ]
}

/** The output of an action with 100,000 lines. */
export async function pageLog(bench: Bench): Promise<Result[]> {
  return logViewerResults(await measureLogViewer(bench, await openBuiltPage(bench)))
}

/** Builds the page and opens a browser. */
async function openBuiltPage(bench: Bench): Promise<Browser> {
  if (findChromium() === null) throw new Error('the page is measured in chromium: apt-get install chromium')
  execFileSync(process.execPath, [join(import.meta.dirname, '../../../../web/build/build-page.ts')])
  const browser = await openBrowser()
  bench.onClose(() => browser.close())
  return browser
}

async function measureSizes(bench: Bench, browser: Browser): Promise<Result[]> {
  const seen = new Map<number, PageTimes>()
  for (const size of sizes) seen.set(size, await measure(bench, browser, size))
  const smallest = seen.get(10)
  return sizes.flatMap((size) =>
    pageResults(size, seen.get(size) as PageTimes, smallest?.event ?? Number.NaN),
  )
}

const within = (description: string, value: number, budget: number): Result => ({
  row: 'page',
  description,
  octopod: formatMs(value),
  baseline: '',
  ratio: null,
  target: `≤ ${budget} ms`,
  met: value <= budget,
})

function logViewerResults(seen: LogViewerTimes): Result[] {
  const createResult = (phase: string, value: number) => ({
    ...within(`100,000 lines of output: longest task while ${phase}`, value, budgetMs.longTask),
    row: 'page-log',
  })
  return [
    createResult('it loads', seen.loading),
    createResult('scrolling', seen.scrolling),
    createResult('typing in the search field', seen.searching),
    createResult('wrapping lines', seen.wrapping),
  ]
}

function bulkResults(seen: BulkTimes): Result[] {
  const createResult = (phase: string, value: number) => ({
    ...within(`1,000 deployments: longest task (CPU) while ${phase}`, value, budgetMs.longTask),
    row: 'page-bulk',
  })
  return [
    createResult('filtering', seen.filtering),
    createResult('searching', seen.searching),
    createResult('selecting all', seen.selecting),
    createResult('labelling all', seen.labelling),
  ]
}

function pageResults(size: number, seen: PageTimes, eventAtTen: number): Result[] {
  const description = (name: string) => `${size.toLocaleString('en')} deployments: ${name}`
  return [
    {
      ...within(description('navigation to first rows'), seen.firstRows, budgetMs.firstRows),
      baseline: formatMs(seen.bare),
      ratio: seen.firstRows / seen.bare,
    },
    within(description('longest task while typing'), seen.typing, budgetMs.longTask),
    within(description('longest task while scrolling'), seen.scrolling, budgetMs.longTask),
    {
      row: 'page',
      description: description('script, style and layout of one event'),
      octopod: formatMs(seen.event),
      baseline: formatMs(eventAtTen),
      ratio: seen.event / eventAtTen,
      target: '≤ 1.5 × at 10',
      met: seen.event <= 1.5 * eventAtTen,
    },
  ]
}

async function measure(bench: Bench, browser: Browser, size: number): Promise<PageTimes> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  await seed(databaseUrl, { count: size, status: 'ArchivePending' })
  const { origin, stop } = await startServer(bench, fixture.octopod)
  const results: PageTimes[] = []
  for (let round = 0; round <= rounds; round += 1) {
    await resetActions(databaseUrl, 'ArchivePending')
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const tab = await context.newPage()
    await tab.addInitScript(recordLongTasks)
    await tab.addInitScript(watchRows)
    // Fills the list cache of the server.
    await (await fetch(`${origin}/api/v1/deployments`)).arrayBuffer()
    const bare = await fetchTime(tab, origin)
    await tab.goto(origin)
    await tab.locator('.badge', { hasText: 'Live' }).waitFor({ timeout: 60_000 })
    const firstRows = await tab.evaluate(
      () => performance.getEntriesByName('rows')[0]?.startTime ?? Number.NaN,
    )
    const seen = {
      firstRows,
      bare,
      typing: await longestTask(tab, () => type(tab)),
      scrolling: await longestTask(tab, () => scroll(tab)),
      event: await costOfEvents(tab, origin, await shownNames(tab)),
    }
    await context.close()
    if (round > 0) results.push(seen)
  }
  await stop()
  const medianOf = (key: keyof PageTimes) => median(results.map((seen) => seen[key]))
  return {
    firstRows: medianOf('firstRows'),
    bare: medianOf('bare'),
    typing: medianOf('typing'),
    scrolling: medianOf('scrolling'),
    event: medianOf('event'),
  }
}

/** Runs in the browser: sets a mark when the first rows have been painted. */
function watchRows(): void {
  const rows = new MutationObserver(() => {
    if (document.querySelector('tr[data-name]') === null) return
    rows.disconnect()
    requestAnimationFrame(() => setTimeout(() => performance.mark('rows')))
  })
  rows.observe(document, { childList: true, subtree: true })
}

/** The baseline: the same browser only fetches and parses the same list. */
async function fetchTime(tab: Page, origin: string): Promise<number> {
  await tab.goto(`${origin}/healthz`)
  return tab.evaluate(async () => {
    const start = performance.now()
    await (await fetch('/api/v1/deployments', { cache: 'no-store' })).json()
    return performance.now() - start
  })
}

async function type(tab: Page): Promise<void> {
  const field = tab.getByLabel('Search names and config')
  for (const text of ['d-99', 'feature 12', 'imgae']) {
    await field.fill('')
    await field.pressSequentially(text, { delay: 40 })
  }
  await field.fill('')
}

async function scroll(tab: Page): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) {
    await tab.mouse.wheel(0, 600)
    await tab.waitForTimeout(16)
  }
  for (const part of [0.5, 1, 0]) {
    await tab.evaluate((share) => scrollTo(0, document.body.scrollHeight * share), part)
    await tab.waitForTimeout(50)
  }
}

/** The first rows. They stay in their places: the order does not change under the pointer. */
const shownNames = (tab: Page): Promise<string[]> =>
  tab
    .locator('tr[data-name]')
    .evaluateAll((rows) => rows.slice(0, 10).map((row) => row.getAttribute('data-name') ?? ''))

/** The time of script, style and layout for one event, in milliseconds, by the counters of the browser. */
async function costOfEvents(tab: Page, origin: string, names: readonly string[]): Promise<number> {
  const session = await tab.context().newCDPSession(tab)
  await session.send('Performance.enable')
  const spent = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0
    return 1000 * (of('ScriptDuration') + of('RecalcStyleDuration') + of('LayoutDuration'))
  }
  const costs: number[] = []
  for (const name of names) {
    const before = await spent()
    const { method, path, headers } = archive(name)
    const reply = await fetch(origin + path, { method, headers: { ...headers } })
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
    await tab.locator(`tr[data-name="${name}"] .elapsed`).waitFor()
    costs.push((await spent()) - before)
  }
  return median(costs)
}
