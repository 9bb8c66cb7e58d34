/** The output of an action in a real browser: links to lines, sections, errors, copies, full screen, wrapping. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

const output = [
  '::group::Pull the image',
  ...Array.from({ length: 200 }, (_, layer) => `layer ${layer}: done`),
  '::endgroup::',
  '::group::Migrate',
  '\u001b[31merror: column orders.id is missing\u001b[0m',
  '::endgroup::',
  'in between',
  'the job failed',
  `${'wide '.repeat(2000)}end of the wide line`,
  'last line',
]

describe('the output of an action', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let session: BrowserSession
  let actionId = 0

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    const client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await client.create('shop', {})
    await client.waitForStatus('shop', 'Running')
    actionId = (await client.actions('shop'))[0]?.action_id ?? 0
    const database = new pg.Client({ connectionString: system.databaseUrl })
    await database.connect()
    await database.query('set session_replication_role = replica')
    await database.query('delete from action_output where action_id = $1', [actionId])
    await database.query(
      `insert into action_output (action_id, fencing_token, seq, stream, text) values ($1, 1, 1, 'stdout', $2)`,
      [actionId, `${output.join('\n')}\n`],
    )
    await database.end()
    const page = await session.openPage()
    await session.signIn(page, system.adminHeader)
    await page.close()
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  async function open(hash = ''): Promise<Page> {
    const page = await session.openPage(`/deployments/shop?output=${actionId}${hash}`)
    await page.locator('.log-status', { hasText: 'complete' }).waitFor()
    await page.locator('.log-lines > span').first().waitFor()
    return page
  }
  const lines = (page: Page) => page.locator('.log-lines > span')
  const lineAt = (page: Page, number: number) => page.locator(`.log-lines > [data-line="${number}"]`)
  const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())
  const chooseMore = async (page: Page, name: string) => {
    await page.getByRole('button', { name: 'More for this output' }).click()
    await page.getByRole('menuitem', { name, exact: true }).click()
  }

  it('An address shows and marks its lines, also in a folded section', async () => {
    const page = await open('#L150-L152')
    await lineAt(page, 151).and(page.locator('[data-selected=true]')).waitFor()
    assert.equal(await page.locator('[data-selected=true]').count(), 3)
    const [outer, inner] = await Promise.all([
      page.getByRole('region', { name: 'Output' }).boundingBox(),
      lineAt(page, 150).boundingBox(),
    ])
    assert.ok(outer && inner && inner.y >= outer.y && inner.y < outer.y + outer.height)
    await page.close()
  })

  it('Line numbers select lines, the address follows, and they can be copied', async () => {
    const page = await open()
    await page.locator('[data-number="206"]').click()
    assert.equal(new URL(page.url()).hash, '#L206')
    await page.locator('[data-number="207"]').click({ modifiers: ['Shift'] })
    assert.equal(new URL(page.url()).hash, '#L206-L207')
    await chooseMore(page, 'Copy 2 lines')
    await page.locator('.toast', { hasText: '2 lines copied' }).waitFor()
    assert.equal(await copied(page), 'in between\nthe job failed')
    await chooseMore(page, 'Copy a link to the lines')
    await page.locator('.toast', { hasText: 'Link copied' }).waitFor()
    assert.equal(await copied(page), page.url())
    await chooseMore(page, 'Copy all')
    await page.locator('.toast', { hasText: '209 lines copied' }).waitFor()
    assert.equal((await copied(page)).split('\n').length, 209)
    await page.close()
  })

  it('The keyboard selects lines and copies them', async () => {
    const page = await open('#L206')
    await page.locator('[data-selected=true]').waitFor()
    await page.getByRole('region', { name: 'Output' }).focus()
    await page.keyboard.press('Shift+ArrowDown')
    await page.waitForURL(/#L206-L207$/)
    await page.keyboard.press('Control+c')
    assert.equal(await copied(page), 'in between\nthe job failed')
    await page.keyboard.press('Escape')
    await page.waitForURL(new RegExp(`output=${actionId}$`))
    await page.close()
  })

  it('Sections are folded, except those with an error, and open when pressed', async () => {
    const page = await open()
    const pull = page.getByRole('button', { name: 'Pull the image 200 lines' })
    await page.getByRole('region', { name: 'Output' }).evaluate((element) => element.scrollTo(0, 0))
    assert.equal(await pull.getAttribute('aria-expanded'), 'false')
    assert.equal(
      await page.getByRole('button', { name: 'Migrate 1 line' }).getAttribute('aria-expanded'),
      'true',
    )
    assert.equal(await lines(page).filter({ hasText: 'endgroup' }).count(), 0)
    assert.equal(await lines(page).filter({ hasText: 'layer 0:' }).count(), 0)
    await pull.click()
    await lines(page).filter({ hasText: 'layer 0:' }).waitFor()
    await chooseMore(page, 'Fold all sections')
    await lines(page).filter({ hasText: 'orders.id' }).waitFor({ state: 'detached' })
    await page.getByLabel('Search in the output').fill('layer 77:')
    await lineAt(page, 79).and(page.locator('[data-current=true]')).waitFor()
    await page.close()
  })

  it('The next and the previous error are found', async () => {
    const page = await open()
    await page.getByText('2 errors', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'Output' }).evaluate((element) => element.scrollTo(0, 0))
    await page.getByRole('button', { name: 'Next error' }).click()
    await lineAt(page, 204).and(page.locator('[data-current=true]')).waitFor()
    await page.getByText('1 of 2 errors').waitFor()
    await page.locator('[role=status]', { hasText: 'Line 204: error: column orders.id is missing' }).waitFor()
    await page.getByRole('region', { name: 'Output' }).focus()
    await page.keyboard.press('Alt+ArrowDown')
    await lineAt(page, 207).and(page.locator('[data-current=true]')).waitFor()
    await page.getByRole('button', { name: 'Previous error' }).click()
    await lineAt(page, 204).and(page.locator('[data-current=true]')).waitFor()
    await page.close()
  })

  it('A wrapped line of any length is complete', async () => {
    const page = await open('#L208')
    await page
      .getByText('6020 more: press Wrap')
      .or(page.getByText(/characters more: press Wrap/))
      .waitFor()
    await page.getByRole('button', { name: 'Wrap' }).click()
    await page.locator('.wrapped').waitFor()
    await lines(page).filter({ hasText: 'end of the wide line' }).waitFor()
    const text = await page.locator('.log-lines > [data-line="208"]').allTextContents()
    assert.equal(text.join(''), output.at(-2))
    await page.close()
  })

  it('Few lines are as high as they are, and nothing offers to jump to a visible end', async () => {
    const client = createApiClient(system.url)
    await client.create('small', {})
    await client.waitForStatus('small', 'Running')
    const id = (await client.actions('small'))[0]?.action_id ?? 0
    const page = await session.openPage(`/deployments/small?output=${id}#L1`)
    await page.locator('.log-status', { hasText: 'complete' }).waitFor()
    await page.locator('[data-selected=true]').waitFor()
    const screen = page.getByRole('region', { name: 'Output' })
    const { height, lineCount } = await screen.evaluate((element) => ({
      height: element.getBoundingClientRect().height,
      lineCount: element.querySelectorAll('.log-lines > span').length,
    }))
    assert.ok(height <= lineCount * 20 + 42, `${height} px for ${lineCount} lines`)
    const jump = page.getByRole('button', { name: 'Jump to the end' })
    assert.equal(await jump.count(), 0)
    await page.goto(`${system.url}/deployments/shop?output=${actionId}#L150`)
    await jump.click()
    await jump.waitFor({ state: 'detached' })
    await page.close()
  })

  it('Full screen covers the page, and Escape leaves it', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Full screen' }).click()
    const box = await page.locator('.log-viewer').boundingBox()
    assert.deepEqual(box, { x: 0, y: 0, width: 1280, height: 900 })
    assert.equal(await page.locator('.top-bar').evaluate((bar) => bar.closest('[inert]') !== null), true)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Full screen' }).waitFor()
    assert.equal(await page.locator('[inert]').count(), 0)
    await page.close()
  })

  for (const width of [1280, 360]) {
    it(`axe finds no violation at ${width} px, in full screen and with the open menu`, async () => {
      const page = await open('#L206')
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await findAxeViolations(page), [])
      assert.equal(await isTooWide(page), false)
      await page.getByRole('button', { name: 'Full screen' }).click()
      await page.getByRole('button', { name: 'More for this output' }).click()
      assert.deepEqual(await findAxeViolations(page), [])
      await page.close()
    })
  }

  it('The browser reported no error', () => session.assertNoErrors())
})
