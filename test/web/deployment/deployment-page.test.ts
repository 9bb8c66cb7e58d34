/** The deployment page in a real browser: long history, output, errors and lost connections. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import type { Browser, Page } from 'playwright-core'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the deployment page', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url, { acceptDownloads: true })
    await Promise.all(['old', 'loud', 'shop'].map((name) => client.create(name, { 'image.tag': 'v1' })))
    await Promise.all(['old', 'loud', 'shop'].map((name) => client.waitForStatus(name, 'Running')))
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const lines = (page: Page) => page.locator('.log-lines > span')

  it('A hundred thousand actions are paged, each with its config changes', async () => {
    await query(
      `set session_replication_role = replica`,
      `
      insert into actions (deployment_id, kind, state, actor, source, app_overrides, deployment_overrides,
        created_at, started_at, finished_at, exit_code)
      select id, 'update', 'succeeded', 'robot', 'ci',
        jsonb_build_array(jsonb_build_array('build', jsonb_build_object('tag', 'ValueAdded', 'contents', n::text))),
        '[]', now(), now(), now(), 0 from deployments, generate_series(1, 100000) n where name = 'old' order by n`,
    )
    const page = await session.openPage('/deployments/old')
    await page.locator('.config-diff', { hasText: '100000' }).first().waitFor()
    assert.equal(await page.locator('.action').count(), 24)
    await page.getByRole('button', { name: 'Show older actions' }).click()
    await page.locator('.action').nth(123).waitFor()
    const change = page.locator('.action').nth(100).locator('.config-diff')
    assert.equal((await change.textContent())?.replace(/\s/g, ''), 'build9989999900')
    await page.close()
  })

  it('A hundred thousand lines are virtualized, searched and downloaded', async () => {
    const [action] = await client.actions('loud')
    await query(
      `set session_replication_role = replica`,
      `
      insert into action_output (action_id, fencing_token, seq, stream, text)
      select ${action?.action_id}, 1, 10 + n, case n when 50 then 'stderr' else 'stdout' end,
        (select string_agg('line ' || (n * 1000 + at) || case when at = 7 then ' needle' else '' end, E'\\n') || E'\\n'
          from generate_series(0, 999) at) from generate_series(0, 99) n`,
      `update actions set truncated = true where id = ${action?.action_id}`,
    )
    const page = await session.openPage('/deployments/loud')
    await session.signIn(page, system.adminHeader)
    await page.getByRole('button', { name: /^Output of create/ }).click()
    await page.locator('.log-status', { hasText: 'complete, 100,00' }).waitFor()
    await lines(page).filter({ hasText: 'line 99999' }).waitFor()
    assert.ok((await lines(page).count()) < 120)
    await page.locator('.log-note', { hasText: 'exceeded the size limit' }).waitFor()

    const search = page.getByLabel('Search in the output')
    await search.fill('NEEDLE')
    await page.getByText('of 100', { exact: false }).first().waitFor()
    await page.keyboard.press('Enter')
    await page.locator('[data-current=true] mark').waitFor()
    const jump = page.getByRole('button', { name: 'Jump to the end' })
    await jump.waitFor()
    await search.fill('line 50007 ')
    await page.locator('.stderr[data-current=true]', { hasText: 'line 50007' }).waitFor()
    await jump.click()
    await lines(page).filter({ hasText: 'line 99999' }).waitFor()
    await jump.waitFor({ state: 'detached' })

    for (const [item, extension] of [
      ['Download raw, with colors', 'log'],
      ['Download as text', 'txt'],
    ] as const) {
      await page.getByRole('button', { name: 'More for this output' }).click()
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: item }).click(),
      ])
      assert.equal(download.suggestedFilename(), `loud-${action?.action_id}.${extension}`)
      const text = await readFile(await download.path(), 'utf8')
      assert.match(text, /^create of loud done\nline 0\n/)
      assert.equal(text.split('\n').length, 100_002)
    }
    await page.close()
  })

  it('Line wrapping keeps the position and the match in view', async () => {
    const [action] = await client.actions('old')
    await query(
      `set session_replication_role = replica`,
      `insert into action_output (action_id, fencing_token, seq, stream, text)
      select ${action?.action_id}, 1, 10 + n, 'stdout', (select string_agg('line ' || (n * 100 + at) || ' ' || repeat('long ', at),
        E'\\n') || E'\\n' from generate_series(0, 99) at) from generate_series(0, 9) n`,
    )
    const page = await session.openPage(`/deployments/old?output=${action?.action_id}`)
    await session.signIn(page, system.adminHeader)
    await page.locator('.log-status', { hasText: 'complete' }).waitFor()
    const screen = page.getByRole('region', { name: 'Output' })
    const isWide = () => screen.evaluate((element) => element.scrollWidth > element.clientWidth + 1)
    assert.equal(await isWide(), true)
    await page.getByLabel('Search in the output').fill('line 555 ')
    const found = lines(page).and(page.locator('[data-current=true]'))
    await found.waitFor()
    await page.getByRole('button', { name: 'Wrap' }).click()
    await page.locator('.wrapped').waitFor()
    assert.equal(await isWide(), false)
    await page.keyboard.press('Tab')
    const [outer, inner] = await Promise.all([screen.boundingBox(), found.boundingBox()])
    assert.ok(
      outer && inner && inner.y >= outer.y && inner.y < outer.y + outer.height,
      'the match stays in sight',
    )
    // 284 characters need more than one line, and no line overlaps another.
    assert.ok(inner.height > 20)
    const tops = await lines(page).evaluateAll((all) =>
      all.map((one) => [one.getBoundingClientRect().top, one.getBoundingClientRect().bottom]),
    )
    for (const [at, [top = 0]] of tops.entries()) if (at > 0) assert.equal(top, tops[at - 1]?.[1])
    // All characters are counted at every width, also a trailing space.
    const size = page.viewportSize() ?? { width: 0, height: 0 }
    for (let narrower = 1; narrower <= 12; narrower += 1) {
      await page.setViewportSize({ ...size, width: size.width - 9 * narrower })
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50))))
      const [outer, inner] = await Promise.all([screen.boundingBox(), found.boundingBox()])
      assert.ok(
        outer && inner && Math.abs(inner.y - outer.y - 10) < 1,
        `${narrower}: ${inner?.y} of ${outer?.y}`,
      )
    }
    await page.getByRole('button', { name: 'Jump to the end' }).click()
    await lines(page).filter({ hasText: 'line 999 ' }).waitFor()
    await page.getByRole('button', { name: 'Jump to the end' }).waitFor({ state: 'detached' })
    await page.close()
  })

  it('The output follows a running action, keeps the scroll position, and survives a lost connection', async () => {
    await system.setBehavior('update', `wait ${system.dir}/go`)
    await client.update('shop', { 'image.tag': 'v2' })
    const page = await session.openPage('/deployments/shop')
    await session.signIn(page, system.adminHeader)
    await page.locator('.last-action').getByText('waiting').waitFor()
    await system.server.stop()
    await page.getByText('connection lost, reconnecting').waitFor()
    await system.startServer({ PORT: new URL(system.url).port })
    await page.locator('.log-status', { hasText: 'live' }).waitFor()
    assert.equal(await lines(page).filter({ hasText: 'waiting' }).count(), 1)
    await writeFile(`${system.dir}/go`, '')
    await page.getByText('Update succeeded').first().waitFor()
    await lines(page).filter({ hasText: 'update of shop done' }).waitFor()
    await page.getByRole('button', { name: 'Hide output' }).click()
    await page.locator('.log-viewer').waitFor({ state: 'detached' })
    await system.setBehavior('update', '')
    await page.close()
  })

  it('Load errors have a message, and loaded content stays', async () => {
    const page = await session.openPage('/deployments/shop')
    await page.locator('.action').first().waitFor()
    await page.route('**/actions?*', (route) => route.abort())
    await client.update('shop', { 'image.tag': 'v3' })
    await page.getByText('This data may be outdated. The server cannot be reached.').waitFor()
    await page.locator('.action').first().waitFor()
    await page.close()

    for (const [status, message] of [
      [401, 'needs a credential'],
      [500, 'The server answered 500'],
    ] as const) {
      const other = await session.openPage('/no-such-page')
      const json = { tag: 'AppError', error_message: 'This needs a credential.', code: 'unauthenticated' }
      const response = status === 401 ? { status, json } : { status, body: '<html>' }
      await other.route('**/api/v1/deployments**', (route) => route.fulfill(response))
      await other.route('**/full_info', (route) => route.fulfill(response))
      await other.goto(`${system.url}/deployments/shop`)
      await other.locator('.error-box', { hasText: message }).waitFor()
      const retry = other.getByRole('button', { name: 'Try again' })
      await retry.waitFor()
      await other.unrouteAll()
      // The page may have retried on its own; then the button is gone.
      await retry.click({ timeout: 2000 }).catch(() => retry.waitFor({ state: 'detached' }))
      await other.getByRole('heading', { name: 'shop', exact: true }).waitFor()
      await other.close()
    }
  })

  it('Removed output is replaced by the reason, in the list and in an open output', async () => {
    await client.waitForActionEnd(getActionId(await client.update('shop', { 'image.tag': 'v2' })))
    const actions = await client.actions('shop')
    const [newest, oldest] = [actions[0], actions.at(-1)]
    const reason = 'The output was removed after 30 days (OUTPUT_RETENTION).'
    const markRemoved = (actionId?: number) =>
      query(
        `update stored_outputs set removed_at = now(), removal_reason = '${reason}' where action_id = ${actionId}`,
      )
    await markRemoved(oldest?.action_id)
    const page = await session.openPage('/deployments/shop')
    await session.signIn(page, system.adminHeader)
    await page.locator('.action').last().getByText(reason).waitFor()
    assert.equal(await page.getByRole('button', { name: /^Output of create/ }).count(), 0)
    // The page has read the list of actions before.
    await markRemoved(newest?.action_id)
    await page.getByRole('button', { name: `Output of update ${newest?.action_id}` }).click()
    await page.locator('.log-note', { hasText: reason }).waitFor()
    await page.close()
  })

  it('A rejected action shows the reason', async () => {
    const page = await session.openPage('/deployments/loud')
    await page.route('**/deployments/loud', (route) =>
      route.fulfill({
        status: 409,
        json: {
          tag: 'AppError',
          error_message: 'Deployment loud is currently being processed.',
          code: 'busy',
        },
      }),
    )
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByLabel(/^Reason/).fill('no longer needed')
    await page.keyboard.press('Tab')
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await page.locator('.toast', { hasText: 'currently being processed' }).waitFor()
    await page.locator('.toast', { hasText: 'Wait until the running action' }).waitFor()
    await page.close()
  })

  it('The action of a CI job has a link to its run; an address of another kind is no link', async () => {
    await query(
      `set session_replication_role = replica`,
      `update actions set proof = 'exchange', actor = 'github:dev1, acme/shop#412, run 99', actor_issuer = 'https://ci.example.com',
        actor_subject = 'repo:acme/shop:pull_request', actor_link = 'https://github.example.com/acme/shop/actions/runs/99'
        where deployment_id = (select id from deployments where name = 'shop')`,
    )
    const page = await session.openPage('/deployments/shop')
    const action = page.locator('.action').last()
    await action.getByText('github:dev1, acme/shop#412, run 99').click()
    const link = action.getByRole('link', { name: 'https://github.example.com/acme/shop/actions/runs/99' })
    await link.waitFor()
    assert.match((await link.getAttribute('rel')) ?? '', /noreferrer/)
    await query(
      `set session_replication_role = replica`,
      `update actions set actor_link = 'javascript:alert(1)' where actor_link is not null`,
    )
    await page.reload()
    await action.getByText('github:dev1, acme/shop#412, run 99').click()
    await action.getByText('repo:acme/shop:pull_request').waitFor()
    assert.equal(await action.getByRole('link').count(), 0)
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())

  async function query(...statements: string[]): Promise<void> {
    const database = new pg.Client({ connectionString: system.databaseUrl })
    await database.connect()
    try {
      for (const statement of statements) await database.query(statement)
    } finally {
      await database.end()
    }
  }
})
