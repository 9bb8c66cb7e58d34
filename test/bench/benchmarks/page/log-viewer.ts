/**
 * The log viewer with 100,000 lines in a real browser: how long it blocks the page while output loads and
 * while it is scrolled, searched and wrapped.
 */
import type { Browser, Page } from 'playwright-core'
import type { Bench } from '../../harness/bench.ts'
import { query } from '../../harness/datastores.ts'
import { createFixture } from '../../harness/fixture.ts'
import { longestTask, recordLongTasks } from '../../harness/long-tasks.ts'
import { median } from '../../harness/measure.ts'
import { authorization, startServer } from '../../harness/programs.ts'
import { seed } from '../../harness/seed.ts'

const rounds = 3
const chunks = 1000

export type LogViewerTimes = { loading: number; scrolling: number; searching: number; wrapping: number }

/** Longest tasks in milliseconds, medians of the rounds. */
export async function measureLogViewer(bench: Bench, browser: Browser): Promise<LogViewerTimes> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  await seed(databaseUrl, { count: 1 })
  const [action] = await query(databaseUrl, 'select id from actions')
  await query(
    databaseUrl,
    `insert into action_output (action_id, fencing_token, seq, stream, text)
     select $1, 0, n + 1, case n % 50 when 0 then 'stderr' else 'stdout' end,
       (select string_agg('line ' || (n * 100 + at) || repeat(' of the output', at % 12), E'\\n') || E'\\n'
         from generate_series(0, 99) at) from generate_series(0, $2::int - 1) n`,
    [action?.id, chunks],
  )
  const { origin, stop } = await startServer(bench, fixture.octopod)
  const results: LogViewerTimes[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const tab = await context.newPage()
    await tab.addInitScript(recordLongTasks)
    await tab.addInitScript(
      (header) => sessionStorage.setItem('octopod.credential', JSON.stringify({ header, role: 'admin' })),
      authorization,
    )
    await tab.goto(`${origin}/deployments/d-1`)
    const open = tab.getByRole('button', { name: /^Output of/ })
    await open.waitFor()
    const times = {
      loading: await longestTask(tab, async () => {
        await open.click()
        await tab.locator('.log-status', { hasText: 'complete, 100,000' }).waitFor({ timeout: 60_000 })
      }),
      scrolling: await longestTask(tab, () => scroll(tab)),
      searching: await longestTask(tab, () =>
        tab.getByLabel('Search in the output').pressSequentially('line 77', { delay: 40 }),
      ),
      wrapping: await longestTask(tab, async () => {
        await tab.getByRole('button', { name: 'Wrap' }).click()
        await tab.locator('.wrapped').waitFor()
      }),
    }
    await context.close()
    if (round > 0) results.push(times)
  }
  await stop()
  const medianOf = (key: keyof LogViewerTimes) => median(results.map((times) => times[key]))
  return {
    loading: medianOf('loading'),
    scrolling: medianOf('scrolling'),
    searching: medianOf('searching'),
    wrapping: medianOf('wrapping'),
  }
}

async function scroll(tab: Page): Promise<void> {
  await tab.locator('.log-viewer pre').hover()
  for (let turn = 0; turn < 30; turn += 1) {
    await tab.mouse.wheel(0, -600)
    await tab.waitForTimeout(16)
  }
}
