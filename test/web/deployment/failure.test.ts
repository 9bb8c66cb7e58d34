/** What a user of the page learns about a failure, and what they can do, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('failures on the page', { skip: missingBrowser() }, () => {
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

  it('Everyone reads the words of a failed script, without control codes, and a sentence for a known cause', async () => {
    // Not in the config, which the page shows too.
    await system.setBehavior('create', 'fail-with 3 \\033[31mError:\\033[0m image shop:v9 not found')
    await client.create('broken', { 'behave.check': 'exit 1' })
    await client.waitForStatus('broken', 'GenericFailure')
    await system.setBehavior('create', '')
    const page = await session.openPage('/deployments/broken')
    const panel = page.locator('.last-action')
    await panel.getByText('Create failed', { exact: true }).waitFor()
    await panel.getByText('Image shop:v9 was not found in the registry.').waitFor()
    await panel.locator('pre', { hasText: 'Error: image shop:v9 not found' }).waitFor()
    assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /\[31m/)
    assert.deepEqual(await findAxeViolations(page), [])
    await panel.getByRole('button', { name: 'Show output' }).click()
    await panel.locator('.log-lines .color-1', { hasText: 'Error:' }).waitFor()
    await page.close()
  })

  it('A failed action offers what helps, by keyboard too, and the focus stays in its place', async () => {
    await system.setBehavior('create', 'fail-with 3 image shop:v9 not found')
    await client.create('retried', { 'behave.check': 'exit 1' })
    await client.waitForStatus('retried', 'GenericFailure')
    await system.setBehavior('create', '')
    const page = await session.openPage('/deployments/retried')
    const panel = page.locator('.last-action')
    const remedies = panel.getByRole('group', { name: 'What you can do' })
    await remedies.waitFor()
    assert.deepEqual(await remedies.getByRole('button').allTextContents(), ['Retry', 'Edit config'])
    await remedies.getByRole('button', { name: 'Edit config' }).click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    assert.equal(await panel.getByRole('button', { name: /output/i }).count(), 1)
    await panel.getByRole('button', { name: 'Show output' }).press('Enter')
    await panel.locator('.log-lines', { hasText: 'image shop:v9 not found' }).waitFor()
    assert.equal(await panel.locator('.failure pre').count(), 0, 'the lines are in the output')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Hide output')
    await page.keyboard.press('Enter')
    await panel.locator('.failure pre').waitFor()

    await remedies.getByRole('button', { name: 'Retry' }).press('Enter')
    await panel.getByText('Update succeeded').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement?.ariaLabel), 'Last action')
    const [retried] = await client.actions('retried')
    assert.deepEqual(retried?.app_overrides, (await client.fullInfo('retried')).deployment.app_overrides)
    await page.close()
  })

  it('A failed update offers to roll back to the last config that worked', async () => {
    await client.create('rolled', { 'image.tag': 'v1' })
    await client.waitForStatus('rolled', 'Running')
    await system.setBehavior('update', 'fail-with 3 image shop:v9 not found')
    await client.update('rolled', { 'image.tag': 'v9' })
    const page = await session.openPage('/deployments/rolled')
    const remedies = page.locator('.last-action').getByRole('group', { name: 'What you can do' })
    await remedies.getByRole('button', { name: 'Roll back…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Roll back rolled?' })
    await dialog.locator('.config-diff li', { hasText: /v9\s*v1/ }).waitFor()
    await system.setBehavior('update', '')
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.locator('.last-action', { hasText: 'Update succeeded' }).waitFor()
    await page.locator('.config-entry', { hasText: 'same as the default' }).waitFor()
    await page.close()
  })

  it('Failed scripts beside actions and checks are shown until they succeed', async () => {
    await system.setBehavior('info', 'fail no ingress class')
    await client.create('linkless')
    await client.waitForStatus('linkless', 'Running')
    const page = await session.openPage('/deployments/linkless')
    const box = page.getByRole('region', { name: 'Failed scripts' })
    await box.getByText('The info script failed with exit code 1.').waitFor()
    await box.locator('pre', { hasText: 'no ingress class' }).waitFor()
    assert.deepEqual(await findAxeViolations(page), [])
    await system.setBehavior('info', '')
    await client.update('linkless', {})
    await box.waitFor({ state: 'detached' })
    await page.close()
  })

  it('A failing check is told in its words, and a user stops waiting for it', async () => {
    await client.create('slow', { 'behave.check': 'fail-with 1 503 from /health' })
    const page = await session.openPage('/deployments/slow')
    await page.getByText(/^Waiting for the health check until .*\d\d.\d\d.*: 503 from \/health/).waitFor()
    await page.getByRole('button', { name: 'Stop waiting' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop waiting' }).click()
    await page.locator('.deployment-header .status', { hasText: 'Failing' }).waitFor()
    await page.getByRole('button', { name: 'Stop waiting' }).waitFor({ state: 'detached' })
    await page.locator('.action-buttons').getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click()
    await page.locator('.deployment-header .status', { hasText: 'Archived' }).waitFor()
    await page.close()
  })

  it('Who may not read output learns what failed, and a link to output offers to sign in', async () => {
    const [action] = await client.actions('broken')
    const strict = await system.startServer({ OUTPUT_READERS: 'admin' })
    const other = await openBrowserSession(browser, strict.url)
    const page = await other.openPage(`/deployments/broken?output=${action?.action_id}`)
    const panel = page.locator('.last-action')
    await panel.getByText('The create script failed with exit code 3.').waitFor()
    await panel.getByText('You may not read the output.').waitFor()
    await page.getByText('You may not read this output.').waitFor()
    assert.deepEqual(await panel.locator('.failure button').allTextContents(), [
      'Retry',
      'Edit config',
      'Sign in',
    ])
    assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /shop:v9 not found/)
    await page.locator('.action').getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Shared credential').fill(system.adminHeader)
    await page.keyboard.press('Enter')
    await page.locator('.log-lines', { hasText: 'Error: image shop:v9 not found' }).first().waitFor()
    other.assertNoErrors()
    await other.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
