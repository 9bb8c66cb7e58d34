/** Measures how long a browser tab was blocked: by the long tasks that the browser reports, or by a trace of all its tasks. */
import type { Browser, Page } from 'playwright-core'

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

type TraceEvent = {
  name: string
  ph: string
  pid: number
  tid: number
  /** CPU time in µs. */
  tdur?: number
  args?: { name?: string }
}

/**
 * The longest task of the main thread during `act`, in milliseconds of CPU time: unlike the time on the clock, it does not grow when other
 * programs take the processor. Only one trace runs at a time in a browser.
 */
export async function longestCpuTask(
  browser: Browser,
  tab: Page,
  act: () => Promise<unknown>,
): Promise<number> {
  await browser.startTracing(tab, { categories: ['toplevel', '__metadata'] })
  await act()
  // What follows an input: styles, layout, drawing.
  await tab.waitForTimeout(300)
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] }
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`
  const mainThreads = new Set(
    traceEvents
      .filter(({ ph, name, args }) => ph === 'M' && name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  )
  const tasks = traceEvents
    .filter((event) => event.ph === 'X' && event.tdur !== undefined && mainThreads.has(threadOf(event)))
    .map(({ tdur = 0 }) => tdur / 1000)
  if (tasks.length === 0) throw new Error('the trace of the browser has no task of a main thread')
  return Math.max(...tasks)
}
