/**
 * The layout of the page in a real browser: nothing overlaps at any width, contrast is sufficient in both themes, nothing
 * moves while the page loads or when somebody else changes something, and screen readers hear of changes.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { overridesToWire, valueAdded } from '../../domain/overrides.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { findAxeViolations } from '../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../helpers/browser/chromium.ts'
import { createDemoData, writeDemoScripts } from '../helpers/browser/demo-data.ts'
import { extremeDeployments } from '../helpers/browser/extreme-deployments.ts'
import { overlappingBoxes, recordLayoutShift, takeLayoutShift } from '../helpers/browser/page-geometry.ts'
import { type System, startSystem } from '../helpers/system.ts'

const widths = [320, 360, 768, 941, 1000, 1100, 1180, 1440, 2560]
/** `SCREENSHOTS=FOLDER` keeps a picture of every screen, width and theme. */
const pictures = process.env.SCREENSHOTS
const maxLayoutShift = 0.05

describe('the layout of the page', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession
  let scripts = ''

  before(async () => {
    buildPage()
    scripts = await mkdtemp(join(tmpdir(), 'octopod-demo-'))
    await writeDemoScripts(scripts)
    ;[system, browser] = await Promise.all([
      startSystem({ scripts, env: { PROJECT_NAME: 'Acme Shop', CHECK_INTERVAL: '2' } }),
      openBrowser(),
    ])
    client = createApiClient(system.url)
    await createDemoData(system, scripts)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await writeFile(join(scripts, 'go'), '')
    await system?.stop()
    await rm(scripts, { recursive: true, force: true })
  })

  /** Opens a page that records its layout shifts; `ready` is visible when it is loaded. */
  async function open(path: string, ready: string, { width = 1280, isAdmin = false } = {}): Promise<Page> {
    const page = await session.openPage('/no-such-page')
    await page.setViewportSize({ width, height: 900 })
    if (isAdmin) await session.signIn(page, system.adminHeader)
    await recordLayoutShift(page)
    await page.goto(system.url + path)
    await page.locator(ready).first().waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    return page
  }

  async function assertLayout(page: Page, what: string): Promise<void> {
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 })
      // The list measures its rows again.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 100))))
      assert.deepEqual(await overlappingBoxes(page), [], `${what}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await page.locator(`:root[data-theme=${colorScheme}]`).waitFor({ state: 'attached' })
        const name = `${what}, ${colorScheme}, ${width} px`
        // The theme changes only colors.
        const rules = colorScheme === 'light' ? [] : ['color-contrast']
        assert.deepEqual(await findAxeViolations(page, rules), [], name)
        if (pictures !== undefined)
          await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
      }
    }
  }

  it('No boxes overlap and contrast is sufficient at every width, in the list', async () => {
    const page = await session.openPage('/no-such-page')
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json: extremeDeployments() }))
    await page.goto(`${system.url}/?archived=1`)
    await page.locator('tr[data-name]').first().waitFor()
    await assertLayout(page, 'the list')
    await page.close()
  })

  it('No boxes overlap and contrast is sufficient at every width, on the page of a deployment', async () => {
    const page = await open('/deployments/search-speed', '.log-lines > span', { isAdmin: true })
    await assertLayout(page, 'a running action')
    await page.goto(`${system.url}/deployments/payments-fix`)
    await page.locator('.action').first().waitFor()
    await assertLayout(page, 'a failed action')
    await page.close()
  })

  it('No boxes overlap and contrast is sufficient at every width, with failed scripts and a deadline', async () => {
    const page = await session.openPage('/no-such-page')
    const failure = {
      what: 'script',
      script: 'info',
      message: 'The info script failed with exit code 4.',
      hint: 'The name of host ingress-controller-of-the-cluster.example could not be resolved.',
      output: `${'a word '.repeat(40)}${'x'.repeat(300)}`,
      output_hidden: false,
      remedies: [],
    }
    const hidden = { ...failure, script: 'notifications', hint: null, output: null, output_hidden: true }
    await page.route('**/payments-fix/full_info', async (route) => {
      const info = await (await route.fetch()).json()
      await route.fulfill({
        json: {
          ...info,
          waits_until: '2026-03-01T10:00:00.000000Z',
          failed_scripts: [
            { failed_at: info.updated_at, failure },
            { failed_at: info.updated_at, failure: { ...hidden, remedies: ['sign_in'] } },
          ],
        },
      })
    })
    await page.goto(`${system.url}/deployments/payments-fix`)
    await page.getByRole('region', { name: 'Failed scripts' }).waitFor()
    await page.getByText('Waiting for the health check until').waitFor()
    await page.locator('.action').first().waitFor()
    await assertLayout(page, 'failed scripts')
    await page.close()
  })

  for (const [path, ready, width, isAdmin] of [
    ['/', 'tr[data-name]', 1280, false],
    ['/', 'tr[data-name]', 360, false],
    ['/deployments/payments-fix', '.action', 1280, false],
    ['/deployments/payments-fix', '.action', 360, false],
    ['/deployments/search-speed', '.action', 1280, true],
    ['/deployments/search-speed', '.action', 360, true],
  ] as const) {
    it(`Nothing moves while ${path} loads at ${width} px${isAdmin ? ', with output' : ''}`, async () => {
      const page = await open(path, ready, { width, isAdmin })
      const { sum, nodes } = await takeLayoutShift(page)
      assert.ok(sum <= maxLayoutShift, `${sum}: ${nodes.join('; ')}`)
      await page.close()
    })
  }

  for (const width of [1280, 360]) {
    it(`Nothing moves when others create, update and archive deployments, at ${width} px`, async () => {
      const list = await open('/', 'tr[data-name]', { width })
      const rows = await list.locator('tr[data-name]').count()
      const page = await open('/deployments/demo-friday', '.action', { width, isAdmin: true })
      for (const each of [list, page]) await takeLayoutShift(each)
      const name = `other-${width}`
      await client.create(name, { 'image.tag': 'v2.3' })
      await client.update('demo-friday', { 'image.tag': 'v2.3', 'mail.dry-run': String(width) })
      await page.locator('.last-action', { hasText: /Updat(e|ing)/ }).waitFor()
      await client.waitForStatus('demo-friday', 'Running')
      await client.waitForStatus(name, 'Running')
      await client.archive(name)
      await client.waitForStatus(name, 'Archived')
      await page.locator('.last-action', { hasText: 'Update succeeded' }).waitFor()
      await list.getByRole('button', { name: /Show \d change/ }).waitFor()
      assert.equal(await list.locator('tr[data-name]').count(), rows)
      for (const each of [list, page]) {
        const { sum, nodes } = await takeLayoutShift(each)
        assert.ok(sum <= maxLayoutShift, `${each.url()} ${sum}: ${nodes.join('; ')}`)
      }
      await list.getByRole('button', { name: /Show \d change/ }).click()
      await list.locator('tr[data-name]').first().and(list.locator('[data-name="demo-friday"]')).waitFor()
      await list.getByText('Updated just now').waitFor({ state: 'attached' })
      for (const each of [list, page]) await each.close()
    })
  }

  it('Every row of the table has the same height, whatever its status says and whatever labels and overrides it has', async () => {
    const page = await session.openPage('/no-such-page')
    const keys = [
      'image.tag',
      'replicas',
      'feature.checkout.payment-provider.timeout',
      'log.level',
      'mail.host',
    ]
    const rows = extremeDeployments().map((info, index) => {
      const overrides = keys.slice(0, index % 6).map((key) => valueAdded(key, `value-of-${index}`))
      return {
        ...info,
        deployment: { ...info.deployment, ...overridesToWire({ application: overrides, deployment: [] }) },
        ...(index % 3 === 0 && { owner: { issuer: 'https://id.example', subject: 'maria', name: 'Maria' } }),
      }
    })
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json: rows }))
    for (const width of [1440, 1024]) {
      await page.setViewportSize({ width, height: 900 })
      await page.goto(system.url)
      await page.locator('tr[data-name]').nth(5).waitFor()
      const heights = await page
        .locator('tr[data-name]')
        .evaluateAll((all) => [...new Set(all.map((row) => Math.round(row.getBoundingClientRect().height)))])
      assert.equal(heights.length, 1, `${width} px: ${heights}`)
    }
    await page.close()
  })

  it('A status with one thing to say takes one line in the list, and another one two', async () => {
    const page = await open('/', 'tr[data-name]', { width: 360 })
    const linesOf = (name: string) =>
      page.locator(`tr[data-name="${name}"] .status-text`).evaluate((element) => {
        const { lineHeight } = getComputedStyle(element)
        return Math.round(element.getBoundingClientRect().height / Number.parseFloat(lineHeight))
      })
    assert.equal(await linesOf('dark-mode'), 1)
    assert.equal(await linesOf('payments-fix'), 2)
    await page.close()
  })

  it('Status changes are announced in one live region, and progress is not', async () => {
    const page = await open('/', 'tr[data-name]')
    await page.evaluate(() => {
      const heard: string[] = []
      Object.assign(window, { heard })
      const region = document.querySelector('[data-announcer]') as Element
      new MutationObserver(() => heard.push(region.textContent ?? '')).observe(region, {
        childList: true,
        characterData: true,
        subtree: true,
      })
    })
    const heard = () => page.evaluate(() => Reflect.get(window, 'heard') as string[])
    await client.update('dark-mode', { 'image.tag': 'dark-9', 'feature.dark-mode': 'on' })
    await client.waitForStatus('dark-mode', 'Running')
    await page.waitForFunction(() => /dark-mode: Running/.test(String(Reflect.get(window, 'heard'))))
    // The running action of search-speed redraws its elapsed time every second.
    assert.ok((await heard()).every((text) => !text.includes('search-speed')))
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
