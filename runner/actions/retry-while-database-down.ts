import { isDatabaseUnavailable } from '../../db/errors.ts'
import { delay } from '../../lib/delay.ts'
import type { RunnerContext } from '../context.ts'

/**
 * Repeats `operation` while the database is unavailable: until it succeeds or fails for another reason, the runner
 * shuts down, or `signal` aborts.
 */
export async function retryWhileDatabaseDown<T>(
  { shutdownSignal }: RunnerContext,
  operation: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await operation()
    } catch (error) {
      if (!isDatabaseUnavailable(error) || shutdownSignal.aborted || signal?.aborted) throw error
      await delay(300 + Math.random() * 400)
    }
  }
}
