/** How long a tab was deaf: the browser's own list of long tasks. */
import type { Page } from 'playwright-core'

/** In the browser, before anything else: all long tasks are kept. */
export function recordLongTasks(): void {
  const tasks: number[] = []
  Object.assign(window, { tasks })
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration)
  }).observe({ type: 'longtask' })
}

/** The longest task meanwhile, in milliseconds; what is below 50 the browser does not tell. */
export async function longestTask(tab: Page, act: () => Promise<unknown>): Promise<number> {
  const taken = () => tab.evaluate(() => (window as unknown as { tasks: number[] }).tasks.splice(0))
  await taken()
  await act()
  await tab.waitForTimeout(300)
  return Math.max(50, ...(await taken()))
}
