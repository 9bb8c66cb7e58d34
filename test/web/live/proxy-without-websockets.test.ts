/** The page behind a proxy that passes neither websockets nor the header Host. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { createApiClient } from '../../helpers/api-client.ts'
import { openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { type System, startSystem } from '../../helpers/system.ts'

/** As nginx with `proxy_pass` and nothing else. */
async function startPlainProxy(target: string): Promise<{ url: string; close(): void }> {
  const { hostname, port, host } = new URL(target)
  const server = createServer((incoming, outgoing) => {
    const { upgrade: _, connection: __, ...headers } = incoming.headers
    const { method, url: path } = incoming
    const forwarded = request({ hostname, port, method, path, headers: { ...headers, host } }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

describe('the page behind a proxy without websockets', { skip: missingBrowser() }, () => {
  let system: System
  let browser: Browser
  let proxy: Awaited<ReturnType<typeof startPlainProxy>>

  before(async () => {
    ;[system, browser] = await Promise.all([startSystem(), openBrowser()])
    proxy = await startPlainProxy(system.url)
  })
  after(async () => {
    await browser?.close()
    proxy?.close()
    await system?.stop()
  })

  it('The badge shows Delayed with the reason, and changes appear by polling', async () => {
    const session = await openBrowserSession(browser, proxy.url)
    const page = await session.openPage()
    page.setDefaultTimeout(30_000)
    const badge = page.locator('.badge', { hasText: 'Delayed' })
    await badge.waitFor()
    const title = (await badge.getAttribute('title')) ?? ''
    assert.match(
      title,
      /no websocket can be opened\. Requests from http:\/\/localhost:\d+ are not accepted here/,
    )
    assert.match(title, /Host is 127\.0\.0\.1:\d+, and APP_URL is not set/)
    await createApiClient(system.url).create('shop')
    await page.locator('tr[data-name="shop"]').waitFor({ timeout: 60_000 })
    session.assertNoErrors()
  })
})
