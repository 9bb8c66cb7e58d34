/** Measures how long a browser tab was blocked, with the long tasks that the browser reports. */
import type { Page } from 'playwright-core'

/** Runs in the browser before the page: records all long tasks. */
export function recordLongTasks(): void {
  const tasks: number[] = []
  Object.assign(window, { tasks })
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration)
  }).observe({ type: 'longtask' })
}

/**
 * The longest task during `act`, in milliseconds. The browser reports no task below 50 ms, so 50 is the
 * minimum.
 */
export async function longestTask(tab: Page, act: () => Promise<unknown>): Promise<number> {
  const taken = () => tab.evaluate(() => (window as unknown as { tasks: number[] }).tasks.splice(0))
  await taken()
  await act()
  await tab.waitForTimeout(300)
  return Math.max(50, ...(await taken()))
}
