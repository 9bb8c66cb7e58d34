/** The form of a new deployment in a real browser: a valid name is offered, and the title and labels are sent. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

describe('the form of a new deployment', { skip: missingBrowser() }, () => {
  let system: System
  let client: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    const env = { NAME_MAX_LENGTH: '24' }
    ;[system, browser] = await Promise.all([startSystem({ env }), openBrowser()])
    client = createApiClient(system.url)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const openForm = async () => {
    const page = await session.openPage()
    await page.getByRole('button', { name: 'New deployment' }).waitFor()
    await page.keyboard.press('n')
    await page.getByLabel('image.tag', { exact: true }).waitFor()
    return page
  }
  const nameOf = (page: Page) => page.getByLabel('Name', { exact: true })
  const focusedLabel = (page: Page) =>
    page.evaluate(
      () =>
        document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.getAttribute('name'),
    )
  const describedBy = (field: ReturnType<Page['getByLabel']>) =>
    field.evaluate(
      (input) => document.getElementById(input.getAttribute('aria-describedby') ?? '')?.textContent ?? '',
    )

  it('An invalid name is explained beside its field, and a valid one is taken over with the keyboard', async () => {
    const page = await openForm()
    await page.getByText('2 to 24 characters: a-z').waitFor()
    await page.keyboard.type('Feature/Login_2')
    const offer = page.getByRole('button', { name: 'Use feature-login-2' })
    await offer.waitFor()
    assert.match(
      await describedBy(nameOf(page)),
      /must begin with a lower-case letter a-z\.\s*Use feature-login-2/,
    )
    assert.deepEqual(await findAxeViolations(page, []), [])
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await offer.waitFor({ state: 'detached' })
    assert.equal(await nameOf(page).inputValue(), 'feature-login-2')
    assert.equal(await nameOf(page).getAttribute('aria-invalid'), 'false')
    assert.equal(await focusedLabel(page), 'name')
    await nameOf(page).fill('a-name-that-is-longer-than-the-limit')
    await page.getByRole('button', { name: 'Use a-name-that-is-longer-th' }).waitFor()
    await page.close()
  })

  it('A name that is taken or has no letters is not offered', async () => {
    await client.create('shop')
    const page = await openForm()
    await nameOf(page).fill('Shop')
    await page.getByText('must begin with a lower-case letter a-z').waitFor()
    assert.equal(await page.locator('.name-suggestion').count(), 0)
    await nameOf(page).fill('///')
    assert.equal(await page.locator('.name-suggestion').count(), 0)
    await page.close()
  })

  it('Title and labels are entered with the keyboard and sent with the new deployment', async () => {
    const page = await openForm()
    await page.keyboard.type('checkout')
    for (const text of ['The new checkout', 'team']) {
      await page.keyboard.press('Tab')
      await page.keyboard.type(text)
    }
    // Enter goes to the next field of the labels and sends nothing.
    await page.keyboard.press('Enter')
    await page.keyboard.type('shop')
    await page.keyboard.press('Enter')
    await page.keyboard.type('example.com/qa')
    assert.equal(await focusedLabel(page), 'Key of label 2')
    await page.keyboard.press('Control+Enter')
    await page.waitForURL('**/deployments/checkout')
    const { labels, title } = await client.fullInfo('checkout')
    assert.deepEqual([labels, title], [{ team: 'shop', 'example.com/qa': '' }, 'The new checkout'])
    await page.close()
  })

  it('A wrong label blocks the form, has its error beside it and gets the focus', async () => {
    const page = await openForm()
    await page.keyboard.press('Control+Enter')
    await page.locator('.name-hint').getByText('A deployment needs a name.').waitFor()
    await nameOf(page).fill('labelled')
    await page.getByLabel('Key of label 1').fill('team')
    await page.getByLabel('Value of label 1').fill('the shop')
    await page.getByLabel('Key of label 2').fill('team')
    assert.match(await describedBy(page.getByLabel('Value of label 1')), /may hold only letters/)
    assert.match(await describedBy(page.getByLabel('Key of label 2')), /team is there twice/)
    await page.getByLabel(/^Title/).fill('x'.repeat(101))
    await page.getByText('The title is too long (101 characters)').first().waitFor()
    await page.getByLabel(/^Title/).fill('')
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 })
      assert.deepEqual(await findAxeViolations(page, []), [])
      assert.equal(await isTooWide(page), false)
    }
    await page.getByRole('button', { name: 'Create', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(
      () => document.activeElement?.getAttribute('aria-label') === 'Value of label 1',
    )
    await page.getByRole('button', { name: 'Remove label team' }).first().click()
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Key of label 1')
    assert.equal(await page.getByLabel('Value of label 1').inputValue(), '')
    assert.equal(await page.getByLabel('Key of label 2').inputValue(), '')
    await page.close()
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
