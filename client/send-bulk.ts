/**
 * Sends one change of many deployments until each of them is decided. Used by octo's commands for many deployments and by the
 * page's bulk dialog.
 */
import { maxBulkNames } from '../domain/changes/bulk-operations.ts'
import type { BulkLine, BulkRequest } from '../domain/changes/bulk-schemas.ts'
import { backoffMs } from '../lib/backoff.ts'
import { delay } from '../lib/delay.ts'
import { parseJson } from './parse-json.ts'
import { readLines } from './read-lines.ts'

export type BulkChange = Omit<BulkRequest, 'names'>

type Options = {
  /** Sends one request, always with the same Idempotency-Key, and returns the body of its answer. */
  send(names: readonly string[]): Promise<AsyncIterable<Uint8Array>>
  /** Null: a repeated request would fail too. Otherwise how long to wait at least before it, in milliseconds. */
  retryAfterMs(error: unknown): number | null
  /** The error for an answer that has ended before its last name. */
  endedTooEarly: Error
  /** Ends the wait between two requests. */
  signal?: AbortSignal
}

/** Without a single outcome in between. */
const maxAttempts = 10
const maxRetryAfterMs = 10_000

/**
 * Yields each outcome as the server decides it, in any order, with one request for each 500 names. Throws what `send` throws when the
 * server refuses the whole request, or cannot be reached for long.
 */
export async function* sendBulk(names: readonly string[], options: Options): AsyncGenerator<BulkLine, void> {
  for (let at = 0; at < names.length; at += maxBulkNames)
    yield* sendUntilDecided(names.slice(at, at + maxBulkNames), options)
}

/** A request that breaks off is repeated for the missing names with the same key, so that nothing is done twice. */
async function* sendUntilDecided(
  names: readonly string[],
  { send, retryAfterMs, endedTooEarly, signal }: Options,
): AsyncGenerator<BulkLine, void> {
  const missing = new Set(names)
  /** The names of which the server does not know yet whether they are accepted. */
  const undecided = new Map<string, BulkLine>()
  for (let attempt = 0; missing.size > 0; attempt += 1) {
    let failure: unknown = endedTooEarly
    let askedMs: number | null = 0
    try {
      for await (const text of readLines(await send([...missing]))) {
        const line = text === '' ? null : parseJson<BulkLine>(text)
        if (line === null || !missing.has(line.name)) continue
        undecided.delete(line.name)
        if (isUndecided(line)) {
          undecided.set(line.name, line)
          continue
        }
        missing.delete(line.name)
        attempt = 0
        yield line
      }
    } catch (error) {
      failure = error
      askedMs = retryAfterMs(error)
    }
    if (missing.size === 0) return
    if (askedMs === null) throw failure
    if (attempt >= maxAttempts) {
      yield* undecided.values()
      if (undecided.size === missing.size) return
      throw failure
    }
    await delay(Math.max(backoffMs(attempt, 300, 5000), Math.min(askedMs, maxRetryAfterMs)), signal)
  }
}

const isUndecided = ({ error }: BulkLine) =>
  error !== undefined && (error.code === 'service_unavailable' || error.code === 'rate_limited')
