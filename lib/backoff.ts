/** The delay before the next retry. Called by everything that retries or reconnects: db, web, octo. */

/**
 * Doubles from `initialMs` (attempt 0) up to `maxMs`, then takes a random share between one half and all of it, so that
 * many clients do not retry at the same moment. `random` is a number from 0 to 1.
 */
export function backoffMs(attempt: number, initialMs: number, maxMs: number, random = Math.random()): number {
  return Math.min(maxMs, initialMs * 2 ** attempt) * (0.5 + random / 2)
}
