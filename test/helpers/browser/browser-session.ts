/**
 * A user of the page in a real browser. Collects browser errors and requests to other hosts. Used by all
 * browser tests.
 */
import assert from 'node:assert/strict'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

export type BrowserSession = {
  /** Opens a new tab without a sign-in. */
  openPage(path?: string, origin?: string): Promise<Page>
  signIn(page: Page, header: string): Promise<void>
  /** Console errors, script errors and requests to other hosts. */
  pageErrors: readonly string[]
  assertNoErrors(): void
  close(): Promise<void>
}

/** Sufficient on a busy machine. */
const timeoutMs = 8_000

export async function openBrowserSession(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<BrowserSession> {
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 900 },
    ...options,
  })
  context.setDefaultTimeout(timeoutMs)
  const pageErrors: string[] = []
  const origins = new Set([new URL(url).origin])
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
      await page.goto(origin + path)
      await page.locator('.top-bar, .error-box').first().waitFor()
      return page
    },
    signIn: async (page, header) => {
      await page.getByRole('button', { name: 'Sign in' }).first().click()
      await page.getByLabel('Authorization').fill(header)
      await page.keyboard.press('Enter')
      await page.locator('dialog').waitFor({ state: 'detached' })
    },
    assertNoErrors: () => assert.deepEqual(pageErrors, []),
    close: () => context.close(),
  }
}

/** True when the page is wider than the window. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
