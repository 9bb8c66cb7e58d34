/** The pictures of several deployments at once. Called by take-screenshots.ts. */
import type { Page } from 'playwright-core'

/** Nothing is changed: the dialog is closed after its preview. */
export async function takeManyAtOnce(
  page: Page,
  url: string,
  take: (name: string) => Promise<void>,
): Promise<void> {
  await page.goto(url)
  for (const name of ['payments-fix', 'search-speed', 'dark-mode'])
    await page.getByLabel(`Select ${name}`).click()
  await page.locator('.bulk-bar').waitFor()
  await take('select')
  await page.locator('.bulk-bar').getByRole('button', { name: 'Archive' }).click()
  await page.locator('.bulk-outcomes').waitFor()
  await page.locator('.bulk-outcomes summary').first().click()
  await page.locator('.bulk-names').waitFor()
  await take('bulk-preview')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
}
