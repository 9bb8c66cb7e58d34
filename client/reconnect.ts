/**
 * Opens a stream again whenever it is lost, until it has ended. Used by output-stream.ts, app-log-stream.ts and octo's audit stream.
 */
import { backoffMs } from '../lib/backoff.ts'
import { delay } from '../lib/delay.ts'

export type ReconnectOptions = {
  signal?: AbortSignal | undefined
  /** Whether another connection may help. Other errors are thrown. */
  mayRecover(error: unknown): boolean
  /** Called with each failure that is retried, and with null for each item. */
  onConnection?: ((error: unknown) => void) | undefined
  /** After this many connections in a row without an item, the next failure is thrown. */
  maxAttempts?: number | undefined
  initialBackoffMs?: number | undefined
  maxBackoffMs?: number
  /** The wait before the next connection, instead of the backoff. */
  waitMs?: (failures: number) => number | null
}

/**
 * Yields the items of all connections. `open` yields those of one connection and returns the end of the stream, or null when the
 * connection was lost; `failures` counts the connections in a row that brought no item. Returns null when `signal` aborted.
 */
export async function* reconnect<Item, End>(
  open: (failures: number) => AsyncGenerator<Item, End | null>,
  options: ReconnectOptions,
): AsyncGenerator<Item, End | null> {
  const {
    signal,
    maxAttempts = Number.POSITIVE_INFINITY,
    initialBackoffMs = 300,
    maxBackoffMs = 5000,
  } = options
  let failures = 0
  while (!signal?.aborted) {
    const items = open(failures)
    let isEmpty = true
    try {
      for (;;) {
        const { value, done } = await items.next()
        if (done && value !== null) return value
        if (done) break
        isEmpty = false
        failures = 0
        options.onConnection?.(null)
        yield value
      }
    } catch (error) {
      if (signal?.aborted) return null
      if (!options.mayRecover(error) || failures >= maxAttempts) throw error
      options.onConnection?.(error)
    } finally {
      // The reader may have stopped.
      await items.return(null)
    }
    await delay(options.waitMs?.(failures) ?? backoffMs(failures, initialBackoffMs, maxBackoffMs), signal)
    if (isEmpty) failures += 1
  }
  return null
}
