/** Measures how much the resident memory of this process grows during some work. */
import { setTimeout as pause } from 'node:timers/promises'

export async function measureMemoryGrowth<T>(
  work: () => Promise<T>,
): Promise<{ value: T; grownBytes: number }> {
  global.gc?.()
  await pause(100)
  const before = process.memoryUsage.rss()
  let peak = before
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 10)
  const value = await work()
  clearInterval(sampler)
  return { value, grownBytes: peak - before }
}
