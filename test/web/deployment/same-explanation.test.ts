/**
 * One explanation of a failure, the same everywhere: octo, the API and the page show a reader without the admin credential
 * the same words of a script, without control codes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type BrowserSession, openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { runOcto } from '../../octo/fake-server.ts'

describe('one explanation everywhere', { skip: missingBrowser() }, () => {
  let system: System
  let anyone: ApiClient
  let browser: Browser
  let session: BrowserSession

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem({ env: { CHECK_INTERVAL: '1' } }), openBrowser()])
    anyone = createApiClient(system.url, null)
    session = await openBrowserSession(browser, system.url)
  })
  after(async () => {
    await browser?.close()
    await system?.stop()
  })

  const octo = (...args: string[]) =>
    runOcto({ OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: '' }, ...args)

  /** What every reader gets must contain `words`, and no control code. In JSON a control code would be an escape. */
  function assertSays(words: string, texts: Record<string, string>): void {
    for (const [source, text] of Object.entries(texts)) {
      assert.ok(text.includes(words), `${source}: ${text}`)
      assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}|\\u00[01]|\[3[0-9]m/u, source)
    }
  }

  async function readPage(name: string, words: string): Promise<string> {
    const page = await session.openPage(`/deployments/${name}`)
    await page.getByText(words).first().waitFor()
    const text = (await page.locator('main').textContent()) ?? ''
    await page.close()
    return text
  }

  it('A failed create is explained in the same words to everyone', async () => {
    // Runs printf on it: \033[31mError:\033[0m image shop:v9 not found
    await system.setBehavior('create', 'fail-with 3 \\033[31mError:\\033[0m image shop:v9 not found')
    await system.setBehavior('check', 'exit 1')
    const words = 'Error: image shop:v9 not found'
    const created = await octo('create', '-n', 'shop', '--wait')
    assert.equal(created.code, 1, created.stderr)
    const info = await anyone.api('GET', '/deployments/shop/full_info')
    const actionId = (await anyone.fullInfo('shop')).last_action?.action_id
    const action = await anyone.api('GET', `/actions/${actionId}`)
    assertSays(words, {
      'octo create --wait': created.stderr,
      'octo info': (await octo('info', '-n', 'shop')).stdout,
      'GET full_info': info.text,
      'GET actions/ID': action.text,
      page: await readPage('shop', words),
    })
  })

  it('A failed check is explained in the same words to everyone', async () => {
    await system.setBehavior('create', '')
    await system.setBehavior('check', '')
    await anyone.create('site')
    await anyone.waitForStatus('site', 'Running')
    await system.setBehavior('check', 'fail-with 1 503 from /health')
    const words = '503 from /health'
    await waitFor('the check has failed', async () => {
      const { last_check: check } = await anyone.fullInfo('site')
      return { done: check?.failure != null, value: check, seen: check }
    })
    const updated = await octo('wait', '-n', 'site')
    assert.equal(updated.code, 1, updated.stderr)
    const info = await anyone.api('GET', '/deployments/site/full_info')
    assertSays(words, {
      'octo wait': updated.stderr,
      'octo info': (await octo('info', '-n', 'site')).stdout,
      'GET full_info': info.text,
      page: await readPage('site', words),
    })
  })

  it('The browser reported no error', () => session.assertNoErrors())
})
