/** Several people and one change of many deployments: rights, and two of them at once. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { buildPage, missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { rowOf } from '../../helpers/browser/list-page.ts'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'

describe('several people and many deployments', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser

  before(async () => {
    buildPage()
    ;[all, browser] = await Promise.all([startSignedInSystem(), openBrowser()])
    const [dev1, dev2] = [await all.signIn('dev1'), await all.signIn('dev2')]
    await dev1.create('shop-mine')
    await dev2.create('shop-theirs')
    const client = createApiClient(all.origin)
    for (const name of ['shop-mine', 'shop-theirs']) await client.waitForStatus(name, 'Running')
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  const openAs = async (subject: string): Promise<{ session: BrowserSession; page: Page }> => {
    const session = await openBrowserSession(browser, all.origin, {}, [all.provider.issuer])
    const page = await session.openPage()
    await page.getByRole('link', { name: /^Sign in with/ }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await rowOf(page, 'shop-theirs').waitFor()
    return { session, page }
  }
  const finish = async ({ session }: { session: BrowserSession }) => {
    session.assertNoErrors()
    await session.close()
  }
  const selectAll = async (page: Page) => {
    await page
      .getByRole('columnheader')
      .getByLabel(/^Select all/)
      .click()
    await page.locator('.bulk-bar').waitFor()
  }
  const outcomes = (page: Page) => page.locator('.bulk-outcomes summary').allTextContents()

  it('A viewer, who may change nothing, can select nothing', async () => {
    const viewer = await openAs('view1')
    assert.equal(await viewer.page.locator('main input[type=checkbox]:not([role=switch])').count(), 0)
    assert.deepEqual(await findAxeViolations(viewer.page), [])
    await finish(viewer)
  })

  it('What somebody may not touch is refused with the reason in the preview, and the rest is done', async () => {
    const developer = await openAs('dev1')
    const { page } = developer
    await selectAll(page)
    await page.getByRole('button', { name: 'Archive', exact: true }).click()
    await page.getByRole('button', { name: 'Archive 1 deployment' }).waitFor()
    const [changed, refused] = await outcomes(page)
    assert.equal(changed, '1 will change')
    assert.match(
      refused ?? '',
      /^1 refused: Dev One may not archive this deployment: Dev Two owns shop-theirs/,
    )
    await page.getByRole('button', { name: 'Archive 1 deployment' }).click()
    await page.locator('.bulk-outcomes summary', { hasText: '1 accepted' }).waitFor()
    const client = createApiClient(all.origin)
    await client.waitForStatus('shop-mine', 'Archived')
    assert.equal((await client.actions('shop-theirs')).length, 1)
    await client.restore('shop-mine')
    await client.waitForStatus('shop-mine', 'Running')
    await finish(developer)
  })

  it('Two people change the labels of the same ones at once; each change is whole, and both see both', async () => {
    const [developer, admin] = [await openAs('dev1'), await openAs('ada')]
    const change = async ({ page }: typeof admin, key: string) => {
      await selectAll(page)
      await page.getByRole('button', { name: 'Labels…' }).click()
      await page.getByLabel('Key', { exact: true }).fill(key)
      await page.getByLabel('Value', { exact: true }).fill('yes')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.getByRole('button', { name: /^Change [12] deployment/ }).click()
      await page.locator('.bulk-outcomes summary', { hasText: /[12] changed/ }).waitFor()
      await page.keyboard.press('Escape')
    }
    await Promise.all([change(developer, 'by-dev'), change(admin, 'by-ada')])
    const client = createApiClient(all.origin)
    const both = { 'by-dev': 'yes', 'by-ada': 'yes' }
    assert.deepEqual({ ...(await client.fullInfo('shop-mine')).labels }, both)
    assert.deepEqual((await client.fullInfo('shop-theirs')).labels, { 'by-ada': 'yes' })
    for (const { page } of [developer, admin])
      await rowOf(page, 'shop-mine').locator('.row-labels', { hasText: 'by-dev' }).waitFor()
    for (const one of [developer, admin]) await finish(one)
  })
})
