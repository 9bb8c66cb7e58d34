/** The form in a real browser: key tree, slow and failing scripts, shortcuts, unsaved input, submit. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { valueAdded as setTo, valueDeleted } from '../../../domain/overrides.ts'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the deployment form', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const row = (page: Page, key: string) =>
    page.locator('.key-row').filter({ has: page.getByLabel(key, { exact: true }) })
  const kindOf = (page: Page, key: string) => row(page, key).getAttribute('data-kind')
  const edit = async (path = '/deployments/shop') => {
    const page = await session.openPage(path)
    await page.getByRole('heading', { name: 'shop' }).waitFor()
    await page.keyboard.press('e')
    await page.getByLabel('replicas', { exact: true }).waitFor()
    await page.getByLabel('region', { exact: true }).waitFor()
    return page
  }

  // Must run first: successful script results are cached.
  it('The error of a failing script is shown at its level, and retry works', async () => {
    await system.setBehavior('deployment_config', 'fail the vault is sealed')
    const page = await session.openPage()
    await page.keyboard.press('n')
    const deployment = page.locator('section.config-level[aria-label="Deployment config"]')
    await deployment.getByText('the vault is sealed').waitFor()
    await page.getByText('Waiting for the deployment config').waitFor()
    await system.setBehavior('deployment_config', '')
    await deployment.getByRole('button', { name: 'Try again' }).click()
    await deployment.getByLabel('region', { exact: true }).waitFor()
    await page.getByLabel('image.tag', { exact: true }).waitFor()
    await page.close()
    await client.create('shop', { 'image.tag': 'v2' })
    await client.waitForStatus('shop', 'Running')
  })

  it('Edited, added and removed keys look different, and each can be undone', async () => {
    const page = await edit()
    assert.equal(await kindOf(page, 'image.tag'), 'changed')
    assert.equal(await kindOf(page, 'replicas'), 'default')
    await page.getByLabel('replicas', { exact: true }).fill('5')
    assert.equal(await kindOf(page, 'replicas'), 'changed')
    await page.getByLabel('New key, application config').fill(' mail . host ')
    await page.getByLabel('New value, application config').fill('mailhog')
    await page.keyboard.press('Enter')
    assert.equal(await kindOf(page, 'mail.host'), 'added')
    await page.getByRole('button', { name: 'Remove the default of region' }).click()
    assert.equal(await kindOf(page, 'region'), 'removed')
    await page.getByText('Edited: replicas, mail.host, region').waitFor()
    for (const key of ['replicas', 'mail.host', 'region'])
      await page.getByRole('button', { name: `Undo my change: ${key}` }).click()
    await page.getByLabel('New key, application config').fill('image.tag')
    await page.getByText('image.tag is already in the list above.').first().waitFor()
    await page.getByLabel('New key, application config').fill('')
    assert.equal(await kindOf(page, 'replicas'), 'default')
    assert.equal(await kindOf(page, 'region'), 'default')
    assert.equal(await page.getByLabel('mail.host', { exact: true }).count(), 0)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.close()
  })

  it('New keys are suggested from the scripts', async () => {
    await system.setBehavior('application_config_keys', 'print feature.new')
    const page = await edit()
    // A different deployment config triggers new script queries.
    await page.getByLabel('region', { exact: true }).fill('keys')
    const options = page.locator('section.config-level[aria-label="Application config"] datalist option')
    await page.waitForFunction(() => document.querySelector('datalist option') !== null)
    assert.deepEqual(await options.evaluateAll((all) => all.map((one) => one.getAttribute('value'))), [
      'feature.new',
    ])
    await system.setBehavior('application_config_keys', '')
    await page.close()
  })

  it('A thousand keys are grouped and filtered, and typing redraws only one row', async () => {
    const page = await session.openPage()
    const many = Array.from({ length: 1000 }, (_, at) => [`service-${at % 20}.part-${at}.limit`, String(at)])
    await page.route('**/application_overrides', (route) => route.fulfill({ json: many }))
    await page.keyboard.press('n')
    await page.getByText('service-19.').waitFor()
    assert.equal(await page.locator('.key-group').count(), 20)
    await page.getByRole('button', { name: /^service-3\. / }).click()
    await page.getByLabel('service-3.part-3.limit', { exact: true }).waitFor()
    await page.getByLabel('Filter keys, application config').fill('part-77')
    await page.getByLabel('service-17.part-77.limit', { exact: true }).waitFor()
    assert.equal((await page.locator('.key-row').count()) < 40, true)
    await page.getByLabel('Filter keys, application config').fill('limit')
    const last = page.getByLabel('service-19.part-999.limit', { exact: true })
    await last.waitFor()
    const redrawn = await typeAndCount(page, last, '123456')
    assert.ok(redrawn <= 2, `${redrawn} rows were redrawn`)
    assert.equal(await last.inputValue(), '999123456')
    await page.close()
  })

  /** Counts the rows that are redrawn while typing. */
  async function typeAndCount(
    page: Page,
    field: ReturnType<Page['getByLabel']>,
    text: string,
  ): Promise<number> {
    await field.focus()
    await page.keyboard.press('End')
    await page.evaluate(() => {
      const touched = new Set<Element>()
      const watch = new MutationObserver((changes) => {
        for (const { target } of changes) {
          const element = target instanceof Element ? target : target.parentElement
          const row = element?.closest('.key-row')
          if (row) touched.add(row)
        }
      })
      const form = document.querySelector('section.config-level')?.parentElement ?? document.body
      watch.observe(form, { subtree: true, childList: true, attributes: true, characterData: true })
      Object.assign(window, { touchedRows: touched })
    })
    await page.keyboard.type(text)
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))))
    return page.evaluate(() => (window as unknown as { touchedRows: Set<Element> }).touchedRows.size)
  }

  it('Each level shows that its scripts are slow, then their result', async () => {
    const gate = join(system.dir, 'slow-gate')
    await system.setBehavior('application_config', `wait ${gate}`)
    const page = await edit()
    const application = page.locator('section.config-level[aria-label="Application config"]')
    await page.getByLabel('replicas', { exact: true }).fill('8')
    await page.getByLabel('region', { exact: true }).fill('slow')
    await application.getByText('Loading new defaults').waitFor()
    assert.equal(await application.getAttribute('aria-busy'), 'true')
    await application.getByText('0:01').waitFor()
    await writeFile(gate, '')
    await application.getByText('Loading new defaults').waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('replicas', { exact: true }).inputValue(), '8')
    await system.setBehavior('application_config', '')
    await page.close()
  })

  it('Escape, navigation and reload ask before unsaved input is lost', async () => {
    const page = await session.openPage()
    await page.locator('a[href="/deployments/shop"]').click()
    await page.keyboard.press('e')
    const field = page.getByLabel('replicas', { exact: true })
    await field.fill('9')
    for (const leave of [() => page.keyboard.press('Escape'), () => page.evaluate(() => history.back())]) {
      await leave()
      await page.getByRole('button', { name: 'Keep editing' }).click()
      assert.equal(await field.inputValue(), '9')
      assert.match(page.url(), /deployments\/shop\/edit$/)
    }
    const dialogType = new Promise<string>((resolve) =>
      page.once('dialog', (dialog) => void dialog.dismiss().then(() => resolve(dialog.type()))),
    )
    await Promise.all([page.reload({ timeout: 1500 }).catch(() => null), dialogType])
    assert.equal(await dialogType, 'beforeunload')
    assert.equal(await field.inputValue(), '9')
    // Nothing was added to the history on the way.
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.waitForURL(/deployments\/shop$/)
    await page.goBack()
    await page.waitForURL(`${system.url}/`)
    await page.close()
  })

  it('The display name and the reason are sent, also by Ctrl + Enter', async () => {
    const page = await session.openPage('/deployments/shop')
    await page.locator('.account').click()
    await page.getByRole('button', { name: 'Your name…' }).click()
    await page.getByText('as a name that is not proved').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Zoë')
    await page.keyboard.press('Enter')
    await page.locator('.account', { hasText: 'Zoë' }).waitFor()
    // Shortcuts are inactive while a dialog is open and before the deployment is loaded.
    await page.getByLabel('Name', { exact: true }).waitFor({ state: 'detached' })
    await page.locator('.action').first().waitFor()
    await page.keyboard.press('e')
    await page.getByLabel('replicas', { exact: true }).fill('3')
    await page.getByRole('button', { name: 'Remove the default of region' }).click()
    await page.getByLabel(/^Reason/).fill('Größe prüfen')
    await page.keyboard.press('Control+Enter')

    await page.locator('.action').getByText('Größe prüfen').waitFor()
    await page.locator('.action').first().getByText('says: Zoë').waitFor()
    const [action] = await client.actions('shop')
    assert.deepEqual(
      [action?.actor, action?.claimed_actor, action?.reason, action?.source],
      ['anonymous', 'Zoë', 'Größe prüfen', 'page'],
    )
    assert.deepEqual(action?.app_overrides, [setTo('image.tag', 'v2'), setTo('replicas', '3')])
    assert.deepEqual(action?.deployment_overrides, [valueDeleted('region')])
    await client.waitForStatus('shop', 'Running')
    await page.close()
  })

  it('While another action runs, the form asks what to do, and an update with Fail is refused', async () => {
    const page = await edit()
    await page.getByLabel('replicas', { exact: true }).fill('4')
    await system.setBehavior('update', 'hang')
    const { app_overrides, deployment_overrides } = (await client.fullInfo('shop')).deployment
    await client.api('PUT', '/deployments/shop', { app_overrides, deployment_overrides })
    await page.getByRole('radio', { name: /^Wait/ }).and(page.locator(':checked')).waitFor()
    await page.getByRole('radio', { name: /^Fail/ }).check()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('dialog').getByText('is currently being processed').waitFor()
    const [action] = await client.actions('shop')
    await client.api('POST', `/actions/${action?.action_id}/cancel`)
    await system.setBehavior('update', '')
    await client.waitForStatus('shop', 'Running')
    await page.close()
  })

  it('The form works on a phone with the keyboard alone, and shortcuts are listed', async () => {
    const page = await session.openPage('/deployments/shop')
    await page.setViewportSize({ width: 360, height: 700 })
    await page.keyboard.press('?')
    await page.getByText('Edit the config of the open deployment').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('n')
    await page.getByLabel('image.tag', { exact: true }).waitFor()
    assert.equal(await isTooWide(page), false)
    await page.keyboard.type('n?e')
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'n?e')
    await page.getByText('may hold only a-z').first().waitFor()
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
