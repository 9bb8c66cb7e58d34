/** The page "Access tokens" and the notice before a token ends, in a real browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { findAxeViolations } from '../../helpers/browser/axe.ts'
import { isTooWide, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type SignedInSystem, startSignedInSystem } from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'

describe('access tokens', { skip: missingBrowser() }, () => {
  let all: SignedInSystem
  let browser: Browser

  before(async () => {
    ;[all, browser] = await Promise.all([
      startSignedInSystem({ OIDC_NAME: 'Keycloak', TOKEN_MAX_DAYS: '120' }),
      openBrowser(),
    ])
  })
  after(async () => {
    await browser?.close()
    await all?.stop()
  })

  const openAs = async (subject: string, path = '/tokens', options: BrowserContextOptions = {}) => {
    const session = await openBrowserSession(browser, all.origin, options, [all.provider.issuer])
    const page = await session.openPage(path)
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=subject]').fill(subject)
    await page.locator('[name=continue]').click()
    await page.locator('.account').waitFor()
    return { session, page }
  }
  const createByApi = async (subject: string, body: object) => {
    const answer = await (await all.signIn(subject)).api('POST', '/tokens', { expires_in_days: 30, ...body })
    assert.equal(answer.status, 200, answer.text)
  }
  const row = (page: Page, label: string) => page.locator('.tokens li', { hasText: label })

  it('A person creates a token, which is shown once and copied, and revokes it', async () => {
    const { session, page } = await openAs('dev1', '/', {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.locator('.account').click()
    await page.getByRole('link', { name: 'Access tokens' }).click()
    await page.getByText('You have no valid access token.').waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New access token' })
    assert.deepEqual(await dialog.locator('[name=days] option').allTextContents(), [
      '7 days',
      '30 days',
      '90 days',
      '120 days',
    ])
    assert.deepEqual(await dialog.locator('[name=role] option').allTextContents(), [
      'the same as mine',
      'developer',
      'viewer',
    ])
    await dialog.getByLabel('What it is for').fill('nightly job')
    await dialog.getByLabel('Only for deployments').fill('UPPER')
    await dialog.getByRole('button', { name: 'Create token' }).click()
    await dialog.getByText('may hold only a-z, 0-9, - and *').waitFor()
    await dialog.getByLabel('Only for deployments').fill('shop-*, pr-1')
    await dialog.getByLabel('Role at most').selectOption('viewer')
    await page.keyboard.press('Enter')
    const shown = page.getByRole('dialog', { name: 'The new token' })
    const token = await shown.getByLabel('The token').inputValue()
    // Escape asks before the token is lost.
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Back' }).click()
    await shown.getByRole('button', { name: 'Copy' }).click()
    await shown.getByText('Copied.').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token)
    await shown.getByRole('button', { name: 'Done' }).click()
    await shown.waitFor({ state: 'detached' })

    const client = createApiClient(all.origin, `Bearer ${token}`)
    const me = (await client.api('GET', '/whoami')).body as { role: string; subject: string }
    assert.deepEqual([me.role, me.subject], ['viewer', 'dev1'])
    await page.reload()
    await row(page, 'nightly job').getByText('For shop-*, pr-1.').waitFor()
    await row(page, 'nightly job').getByText('Last used just now from 127.0.0.1.').waitFor()
    assert.doesNotMatch(await page.content(), /octopod_pat_/)
    await page.getByRole('button', { name: 'Revoke nightly job' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).last().click()
    await page.getByText('You have no valid access token.').waitFor()
    await page.getByText('1 token that ended').click()
    await row(page, 'nightly job').getByText('revoked').waitFor()
    assert.equal((await client.api('GET', '/whoami')).status, 401)
    session.assertNoErrors()
    await session.close()
  })

  it('A token of a service belongs to one of the own groups', async () => {
    const { session, page } = await openAs('dev2')
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New access token' })
    await dialog.getByLabel('What it is for').fill('deploys')
    assert.deepEqual(await dialog.locator('[name=owner] option').allTextContents(), [
      'me',
      'a service of a group',
    ])
    await dialog.getByLabel('It acts as').selectOption('service')
    await dialog.getByLabel('Name of the service').fill('deployer')
    await dialog.getByRole('button', { name: 'Create token' }).click()
    await page.getByLabel('The token').waitFor()
    assert.match(await page.getByLabel('The token').inputValue(), /^octopod_svc_/)
    await row(page, 'deploys').getByText('Service deployer of the group shop.').waitFor()
    await session.close()
  })

  it('An admin sees the tokens of everybody, makes one for somebody and revokes it', async () => {
    await createByApi('view1', { label: 'of the viewer' })
    const { session, page } = await openAs('ada')
    await page.getByText('You have no valid access token.').waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New access token' })
    await dialog.getByLabel('What it is for').fill('from the admin')
    await dialog.getByLabel('It acts as').selectOption('person')
    await dialog.getByLabel(/^Person/).fill('nobody knows')
    await dialog.getByRole('button', { name: 'Create token' }).click()
    await dialog.getByText('is not known here').waitFor()
    await dialog.getByLabel(/^Person/).fill('view1@example.com')
    await dialog.getByRole('button', { name: 'Create token' }).click()
    await page.getByLabel('The token').press('Control+C')
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByLabel("Everybody's").check()
    await row(page, 'of the viewer').getByText('Of View One.').waitFor()
    assert.equal(new URL(page.url()).search, '?all=true')
    await row(page, 'from the admin').getByText('by Ada Admin').waitFor()
    await page.getByRole('button', { name: 'Revoke of the viewer' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).last().click()
    await page.getByText('of the viewer is revoked.').waitFor()
    await session.close()
  })

  it('A week before its end the page tells the owner, until it is dismissed', async () => {
    await createByApi('dev1', { label: 'short one', expires_in_days: 6 })
    const { session, page } = await openAs('dev1', '/')
    const notice = page.getByText('The access token short one ends in 5 days.')
    await notice.waitFor()
    assert.deepEqual(await findAxeViolations(page), [])
    await page.locator('.session-banner').getByRole('link', { name: 'Access tokens' }).click()
    await row(page, 'short one').getByText('ends in 5 days').waitFor()
    assert.equal(await notice.count(), 0)
    await page.goBack()
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await notice.waitFor({ state: 'detached' })
    await page.goto(`${all.origin}/tokens`)
    await row(page, 'short one').waitFor()
    await page.goto(all.origin)
    await page.locator('.badge', { hasText: 'Live' }).waitFor()
    assert.equal(await notice.count(), 0)
    await session.close()
  })

  it('With a shared credential there is no button for a token of nobody', async () => {
    const session = await openBrowserSession(browser, all.origin, {})
    const page = await session.openPage('/tokens')
    await page.getByRole('button', { name: 'Use a shared credential' }).click()
    await page.getByLabel('Shared credential').fill(adminHeader)
    await page.keyboard.press('Enter')
    await page.getByText('A shared credential has only tokens that octo login has asked for').waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog', { name: 'New access token' })
    assert.deepEqual(await dialog.locator('[name=owner] option').allTextContents(), [
      'somebody else',
      'a service of a group',
    ])
    await session.close()
  })

  for (const colorScheme of ['light', 'dark'] as const)
    it(`On a phone, ${colorScheme}, everything fits and is accessible`, async () => {
      const label =
        'a label that is long enough for several lines of a small phone, and-one-word-that-is-long'
      await createByApi('dev1', { label })
      const { session, page } = await openAs('dev1', '/tokens', {
        viewport: { width: 360, height: 740 },
        colorScheme,
      })
      await row(page, label).first().waitFor()
      const check = async () => {
        assert.equal(await isTooWide(page), false)
        assert.deepEqual(await findAxeViolations(page), [])
      }
      await check()
      await page.getByRole('button', { name: 'New token' }).click()
      await page.getByLabel('What it is for').fill(label)
      await check()
      await page.getByRole('button', { name: 'Create token' }).click()
      await page.getByRole('button', { name: 'Copy' }).waitFor()
      await check()
      await session.close()
    })
})
