/** What a role may not do stays visible and disabled, with the reason; owners; and who has acted. In a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { type BrowserSession, isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { policy, type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'

describe('rights', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser

  before(async () => {
    ;[all, browser] = await Promise.all([startSignedInSystem({ PROJECT_NAME: 'Acme Shop' }), openBrowser()])
    const [dev1, dev2, ada] = [await all.signIn('dev1'), await all.signIn('dev2'), await all.signIn('ada')]
    await dev1.create('shop-mine')
    await dev2.create('shop-theirs')
    await ada.create('blog')
    const client = createApiClient(all.origin)
    for (const name of ['shop-mine', 'shop-theirs', 'blog']) await client.waitForStatus(name, 'Running')
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  /** A browser in which somebody is signed in. */
  const openAs = async (subject: string, path = '/'): Promise<{ session: BrowserSession; page: Page }> => {
    const session = await openBrowserSession(browser, all.origin, {}, [all.provider.issuer])
    const page = await session.openPage(path)
    await page.getByRole('link', { name: /^Sign in with/ }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await page.locator('.account').waitFor()
    return { session, page }
  }
  const finish = async ({ session }: { session: BrowserSession }) => {
    session.assertNoErrors()
    await session.close()
  }
  const check = async (page: Page, what: string) => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 360],
      ['dark', 360],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 900 })
      assert.deepEqual(await findAxeViolations(page), [], `${what}, ${colorScheme}, ${width} px`)
      assert.equal(await isTooWide(page), false, `${what} is wider than ${width} px`)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  }
  const isDisabled = async (page: Page, name: string) =>
    (await page.getByRole('button', { name, exact: true }).getAttribute('aria-disabled')) === 'true'

  it('A viewer sees everything and can press nothing that would fail', async () => {
    const viewer = await openAs('view1')
    const { page } = viewer
    await page.locator('a[href="/deployments/blog"]').waitFor()
    assert.equal(await isDisabled(page, 'New deployment'), true)
    const reason = 'This needs the role developer or a higher one: ask an admin.'
    await page.getByText(`You may not create deployments. ${reason}`).waitFor()
    await page.getByRole('button', { name: 'New deployment' }).click({ force: true })
    await page.keyboard.press('n')
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.getByRole('button', { name: 'Actions for blog' }).click()
    const items = page.getByRole('menuitem')
    const enabled = await items.evaluateAll((all) =>
      all.filter((item) => item.ariaDisabled !== 'true').map((item) => item.textContent?.trim()),
    )
    assert.deepEqual(enabled, ['Open', 'Copy link'])
    await check(page, 'the list of a viewer')
    await page.keyboard.press('Escape')
    await page.goto(`${all.origin}/deployments/blog`)
    await page.locator('.action').first().waitFor()
    for (const name of ['Edit config', 'Archive', 'Show output'])
      assert.equal(await isDisabled(page, name), true, name)
    await page.locator('.action-buttons').getByText(reason).waitFor()
    await check(page, 'the deployment of a viewer')
    await finish(viewer)
  })

  it('A developer changes the own deployment, and reads who owns the others', async () => {
    const developer = await openAs('dev1')
    const { page } = developer
    await page.locator('tr[data-name=shop-mine]', { hasText: 'you' }).waitFor()
    await page.locator('tr[data-name=shop-theirs]', { hasText: 'Dev Two' }).waitFor()
    // The role is for shop-* only.
    assert.equal(await page.locator('tr[data-name=blog]').count(), 0)
    await page.getByRole('button', { name: 'New deployment' }).click()
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('cart')
    await page.getByText('Your role is for shop-*, not for cart: ask an admin.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.goto(`${all.origin}/deployments/shop-theirs`)
    await page.locator('.action').first().waitFor()
    assert.equal(await isDisabled(page, 'Archive'), true)
    await page.locator('.action-buttons').getByText('Dev Two owns shop-theirs: only its owner').waitFor()
    await page.goto(`${all.origin}/deployments/shop-mine`)
    await page.locator('.action').first().waitFor()
    assert.equal(await isDisabled(page, 'Archive'), false)
    await page.goto(`${all.origin}/deployments/blog`)
    await page.getByText('not for blog').first().waitFor()
    await finish(developer)
  })

  it('An owner gives a deployment away, after errors that are shown', async () => {
    const owner = await openAs('dev1', '/deployments/shop-mine')
    const { page } = owner
    const openDialog = async () => {
      await page.getByRole('button', { name: 'More actions for shop-mine' }).click()
      await page.getByRole('menuitem', { name: 'Change owner…' }).click()
    }
    await page.locator('.deployment-facts', { hasText: 'you' }).waitFor()
    await openDialog()
    const dialog = page.getByRole('dialog', { name: 'Owner of shop-mine' })
    await dialog.getByLabel('New owner').fill('stranger@example.com')
    await page.keyboard.press('Enter')
    await dialog.getByText('"stranger@example.com" is not known here.').waitFor()
    await check(page, 'the dialog of the owner')
    await dialog.getByLabel('New owner').fill('dev2@example.com')
    await dialog.getByRole('button', { name: 'Change owner' }).click()
    await page.locator('.deployment-facts', { hasText: 'Dev Two' }).waitFor()
    assert.equal(await isDisabled(page, 'Archive'), true)
    await finish(owner)

    const next = await openAs('dev2', '/deployments/shop-mine')
    await next.page.locator('.deployment-facts', { hasText: 'you' }).waitFor()
    await next.page.getByRole('button', { name: 'More actions for shop-mine' }).click()
    await next.page.getByRole('menuitem', { name: 'Change owner…' }).click()
    await next.page.getByRole('button', { name: 'Give up ownership' }).click()
    await next.page.locator('.deployment-facts', { hasText: 'Nobody' }).waitFor()
    assert.equal(await isDisabled(next.page, 'Archive'), false, 'without an owner it is open to developers')
    await finish(next)
  })

  it('An action says who did it: a proved person with issuer and subject, a claimed name as such', async () => {
    const client = createApiClient(all.origin)
    await client.update('shop-theirs', { 'image.tag': 'v5' }, { 'Octopod-Actor': 'ceo' })
    await client.waitForStatus('shop-theirs', 'Running')
    const developer = await openAs('dev1', '/deployments/shop-theirs')
    const { page } = developer
    const [claimed, proved] = [page.locator('.action').first(), page.locator('.action').last()]
    await claimed.getByText('says: ceo').waitFor()
    assert.match((await claimed.locator('.actor-name').textContent()) ?? '', /^admin$/)
    await proved.locator('summary', { hasText: 'Dev Two' }).press('Enter')
    for (const text of ['signed in', 'dev2', all.provider.issuer])
      await proved.getByText(text, { exact: true }).waitFor()
    await check(page, 'the details of an actor')
    await finish(developer)
  })

  it('A changed policy takes effect on an open page: the role goes, and comes back', async () => {
    const developer = await openAs('dev1')
    const { page } = developer
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await all.writePolicy(policy.replace('- group: shop', '- group: shop-team'))
    await page.getByRole('heading', { name: 'You have no role here' }).waitFor({ timeout: 15_000 })
    await check(page, 'the page without a role')
    await all.writePolicy(policy.replace('role: developer', 'role: operator'))
    await page.waitForFunction(
      () => {
        for (const button of document.querySelectorAll('button'))
          if (button.textContent?.includes('Check again')) button.click()
        return document.querySelector('.account .role')?.textContent === 'operator'
      },
      undefined,
      { polling: 500, timeout: 15_000 },
    )
    await page.locator('a[href="/deployments/shop-theirs"]').waitFor()
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    await all.writePolicy(policy)
    await page.locator('.account .role', { hasText: 'developer' }).waitFor({ timeout: 15_000 })
    await finish(developer)
  })

  it('axe finds no violation in the sign-in screen, its errors, the account and the sessions', async () => {
    const session = await openBrowserSession(browser, all.origin)
    const page = await session.openPage('/sign-in?error=groups_missing&request=abc')
    await page.locator('.error-box').waitFor()
    await page.getByRole('button', { name: 'Use a shared credential' }).click()
    await check(page, 'the sign-in screen')
    await page.getByLabel('Shared credential').fill(all.system.adminHeader)
    await page.keyboard.press('Enter')
    await page.locator('.account').click()
    await check(page, 'the account')
    await page.getByRole('button', { name: 'Sessions…' }).click()
    await page.locator('.sessions li').first().waitFor()
    await check(page, 'the sessions')
    await session.close()
  })
})
