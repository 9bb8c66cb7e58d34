/** How far the resident memory of this process grows while it works. */
import { setTimeout as pause } from 'node:timers/promises'

export async function measureMemoryGrowth<T>(
  work: () => Promise<T>,
): Promise<{ value: T; grownBytes: number }> {
  global.gc?.()
  await pause(100)
  const before = process.memoryUsage.rss()
  let most = before
  const sampler = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 10)
  const value = await work()
  clearInterval(sampler)
  return { value, grownBytes: most - before }
}
