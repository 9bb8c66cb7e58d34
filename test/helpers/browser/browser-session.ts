/**
 * A user of the page in a real browser. Collects browser errors and requests to other hosts. Used by all
 * browser tests.
 */
import assert from 'node:assert/strict'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

export type BrowserSession = {
  /** Opens a new tab. All tabs share the cookies. */
  openPage(path?: string, origin?: string): Promise<Page>
  /** Makes the tabs those of an admin. */
  signIn(page: Page, header: string): Promise<void>
  /** Console errors, script errors and requests to other hosts. */
  pageErrors: readonly string[]
  assertNoErrors(): void
  /** As if the browser had dropped the cookie of Octopod. */
  forgetSession(): Promise<void>
  close(): Promise<void>
}

/** Sufficient on a busy machine. */
const timeoutMs = 30_000

/** `otherOrigins`: pages of these may be opened too. */
export async function openBrowserSession(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  otherOrigins: readonly string[] = [],
): Promise<BrowserSession> {
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 900 },
    ...options,
  })
  context.setDefaultTimeout(timeoutMs)
  const pageErrors: string[] = []
  const origins = new Set([new URL(url).origin, ...otherOrigins])
  context.on('weberror', (error) => pageErrors.push(String(error.error().stack)))
  context.on('console', (message) => {
    // The browser itself logs failed requests; the page does not.
    const expected = /Failed to load resource|WebSocket connection/.test(message.text())
    if (['error', 'warning'].includes(message.type()) && !expected) pageErrors.push(message.text())
  })
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol !== 'blob:' && !origins.has(origin)) pageErrors.push(`request to ${request.url()}`)
  })
  return {
    pageErrors,
    openPage: async (path = '/', origin = url) => {
      origins.add(new URL(origin).origin)
      const page = await context.newPage()
      await repeatLostClose(page)
      await page.goto(origin + path)
      await page.locator('.top-bar, .error-box').first().waitFor()
      return page
    },
    signIn: (page, header) => signInAsAdmin(page, header),
    assertNoErrors: () => assert.deepEqual(pageErrors, []),
    forgetSession: () => context.clearCookies({ name: /octopod-/ }),
    close: () => context.close(),
  }
}

/** Longer than a close takes, also on a busy machine. */
const closeTimeoutMs = 2_000

/**
 * Chromium loses a close that meets the commit of a navigation, and Playwright then waits for ever
 * (https://issues.chromium.org/issues/536385539).
 */
async function repeatLostClose(page: Page): Promise<void> {
  const [close, session] = [page.close.bind(page), await page.context().newCDPSession(page)]
  page.close = async (options) => {
    const repeated = setInterval(() => session.send('Page.close').catch(() => {}), closeTimeoutMs)
    await close(options).finally(() => clearInterval(repeated))
  }
}

/** True when the page is wider than the window. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

/** Enters the shared credential of admins, unless the tab has the session of one already. */
export async function signInAsAdmin(page: Page, header: string): Promise<void> {
  await page.locator('.account').waitFor()
  const role = page.locator('.account .role', { hasText: 'admin' })
  if ((await role.count()) > 0) return
  await page.getByRole('button', { name: 'Sign in', exact: true }).first().click()
  await page.getByLabel('Shared credential').fill(header)
  await page.keyboard.press('Enter')
  await page.locator('dialog').waitFor({ state: 'detached' })
  // A phone hides the role.
  await role.waitFor({ state: 'attached' })
}
