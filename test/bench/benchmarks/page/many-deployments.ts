/**
 * The list with 1,000 deployments in a real browser: how long it blocks the page when all of them are found, filtered, selected and
 * get a label, with the live changes of all.
 */
import type { Browser, Page } from 'playwright-core'
import type { Bench } from '../../harness/bench.ts'
import { query } from '../../harness/datastores.ts'
import { createFixture } from '../../harness/fixture.ts'
import { longestCpuTask } from '../../harness/long-tasks.ts'
import { median } from '../../harness/measure.ts'
import { startServer } from '../../harness/programs.ts'
import { seed } from '../../harness/seed.ts'

const count = 1000
const rounds = 3

export type BulkTimes = { filtering: number; searching: number; selecting: number; labelling: number }

/** Longest tasks in milliseconds of CPU time, medians of the rounds. */
export async function measureBulk(bench: Bench, browser: Browser): Promise<BulkTimes> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  await seed(databaseUrl, { count })
  await query(
    databaseUrl,
    `update deployments set labels = jsonb_build_object('team', 'team-' || (id % 5)), revision = default`,
  )
  const { origin, stop } = await startServer(bench, fixture.octopod)
  const results: BulkTimes[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    const tab = await context.newPage()
    tab.setDefaultTimeout(120_000)
    await tab.goto(origin)
    await tab.locator('.badge', { hasText: 'Live' }).waitFor()
    const longest = (act: () => Promise<unknown>) => longestCpuTask(browser, tab, act)
    const times = {
      filtering: await longest(() => filter(tab)),
      searching: await longest(() => search(tab)),
      selecting: await longest(() => selectAll(tab)),
      labelling: await longest(() => labelAll(tab, `round-${round}`)),
    }
    await context.close()
    if (round > 0) results.push(times)
  }
  await stop()
  const medianOf = (key: keyof BulkTimes) => median(results.map((times) => times[key]))
  return {
    filtering: medianOf('filtering'),
    searching: medianOf('searching'),
    selecting: medianOf('selecting'),
    labelling: medianOf('labelling'),
  }
}

async function filter(tab: Page): Promise<void> {
  const label = tab.getByRole('combobox', { name: 'Label', exact: true })
  for (const choice of ['team=team-1', 'team=team-2', '']) {
    await label.selectOption(choice)
    await tab
      .locator('.list-count', { hasText: choice === '' ? /^\D*1,000 deployments/ : '200 of 1,000' })
      .waitFor()
  }
}

async function search(tab: Page): Promise<void> {
  const field = tab.getByLabel('Search names and config')
  for (const text of ['d-99', 'feature 12', 'imgae']) {
    await field.fill('')
    await field.pressSequentially(text, { delay: 40 })
  }
  await field.fill('')
  await tab.locator('.list-count', { hasText: /^\D*1,000 deployments/ }).waitFor()
}

async function selectAll(tab: Page): Promise<void> {
  await tab
    .getByRole('columnheader')
    .getByLabel(/^Select all/)
    .click()
  await tab.locator('.bulk-bar', { hasText: '1,000 selected' }).waitFor()
}

async function labelAll(tab: Page, value: string): Promise<void> {
  await tab.getByRole('button', { name: 'Labels…' }).click()
  await tab.getByLabel('Key', { exact: true }).fill('bench')
  await tab.getByLabel('Value', { exact: true }).fill(value)
  await tab.getByRole('button', { name: 'Preview' }).click()
  await tab.getByRole('button', { name: 'Change 1,000 deployments' }).click()
  await tab.locator('dialog').getByText('Sending').last().waitFor()
  await tab.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
  const outcomes = tab.locator('.bulk-outcomes summary')
  const texts = await outcomes.allTextContents()
  if (texts.join() !== '1,000 changed') throw new Error(`not all were labelled: ${texts.join(', ')}`)
  await outcomes.click()
  await tab.locator('.bulk-names').waitFor()
  await tab.getByRole('button', { name: 'Close' }).click()
  await tab.locator('.row-labels', { hasText: value }).first().waitFor()
}
