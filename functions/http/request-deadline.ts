/**
 * Limits the time of a request, and knows whether a failed request has started anything. A client that reads "nothing
 * was started" can rely on it; a client whose request may have been accepted reads that the outcome is
 * unknown. endpoint-handler.ts creates one deadline for each request, and the handlers call it between their steps.
 */
import { isConnectionLost, isDatabaseUnavailable, knownNotCommitted } from '../../db/errors.ts'
import { defaultQueryTimeoutMs } from '../../db/pool.ts'
import type { RequestWindow } from '../../db/queries/idempotency.ts'
import { ApiError } from '../../domain/errors.ts'
import { delay } from '../../lib/delay.ts'

/** What a failed request has done: it only reads, it has not started anything, or this is unknown. */
export type Outcome = 'read' | 'not_started' | 'unknown'

/** Follows the cause of the failure in the message to the client. */
export const retryAdvice: Record<Outcome, string> = {
  read: '; nothing is lost. Try again shortly.',
  not_started:
    '; this request has started nothing. Send it again shortly, with the same Idempotency-Key if it has one.',
  unknown:
    '. Whether the request was accepted is not known: look, or send it again with the same Idempotency-Key.',
}

/** A request failed because the database, named by `cause`, was unavailable. */
export class RequestDatabaseError extends Error {
  override name = 'RequestDatabaseError'
  readonly outcome: Outcome
  constructor(cause: unknown, outcome: Outcome) {
    super('the database could not serve a request', { cause })
    this.outcome = outcome
  }
}

/** The client closed its connection before its request was started. It gets no answer. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected'
}

export type RequestDeadline = {
  /**
   * Runs the handler, again when a database connection was lost before it has written. Rejects with
   * service_unavailable when the time is over, and with RequestDatabaseError when the database is unavailable.
   */
  run<T>(handler: () => Promise<T>): Promise<T>
  /** From here to {@link beforeCommit} the handler only reads: a failure means `not_started`. */
  beginChecks(): void
  /** Needed by {@link beforeCommit}. Call it as soon as the database has sent its time. */
  setDatabaseTime(databaseTimeMs: number): void
  /**
   * Ends the checks, right before the handler writes. Throws when the time is over or the client has disconnected: a
   * server that was frozen must not start a request that the client has already sent to another server. The database
   * refuses a write that reaches it outside the returned window.
   */
  beforeCommit(): Promise<RequestWindow>
  /** Stops the clock while a script runs, for `maxMs` at most. Throws when the time is over. */
  pause(maxMs: number): void
  resume(): void
}

type Options = {
  changesState: boolean
  timeoutMs: number
  isClientDisconnected?: () => Promise<boolean>
}

/** Each lost connection of the pool may answer a repetition. */
const reconnectWaitsMs = [10, 50, 250]
/** The clock of a suspended machine stands still, the time of day does not. */
const maxSuspendedMs = 1000

export function createRequestDeadline(options: Options): RequestDeadline {
  const { changesState, timeoutMs, isClientDisconnected = async () => false } = options
  const arrivedAtMs = performance.now()
  const dayTimeOffsetMs = Date.now() - arrivedAtMs
  let expiresAtMs = arrivedAtMs + timeoutMs
  let paused: { atMs: number; maxMs: number } | null = null
  /**
   * What to add to a time of this server. The time of the database was read before its answer was: the sum may be too
   * early, by the time that the answer took, and is never too late.
   */
  let databaseOffsetMs: number | null = null
  let outcome: Outcome = changesState ? 'unknown' : 'read'
  let timer: NodeJS.Timeout | undefined
  let isFinished = false
  let timeoutError: ApiError | null = null
  const { promise: timedOut, reject } = Promise.withResolvers<never>()
  timedOut.catch(() => {})

  const timeOut = () => {
    timeoutError ??= new ApiError(
      'service_unavailable',
      `The server could not answer in time${retryAdvice[outcome]}`,
    )
    reject(timeoutError)
  }
  const currentLimitMs = () => expiresAtMs + (paused?.maxMs ?? 0)
  const restartTimer = () => {
    clearTimeout(timer)
    if (!isFinished) timer = setTimeout(timeOut, currentLimitMs() - performance.now())
  }
  const throwIfTimedOut = () => {
    const nowMs = performance.now()
    const wasSuspended = Date.now() - dayTimeOffsetMs - nowMs > maxSuspendedMs
    // After a freeze this may run before the timer.
    if (nowMs >= currentLimitMs() || wasSuspended) timeOut()
    if (timeoutError !== null) throw timeoutError
  }
  return {
    async run(handler) {
      restartTimer()
      // A process that was frozen, as on AWS Lambda, does not know yet that its connections have ended meanwhile.
      const repeatOnLostConnection = async () => {
        for (const waitMs of reconnectWaitsMs) {
          try {
            return await handler()
          } catch (error) {
            if (outcome === 'unknown' || !isConnectionLost(error)) throw error
          }
          await delay(waitMs)
        }
        return handler()
      }
      try {
        return await Promise.race([repeatOnLostConnection(), timedOut])
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error
        const nothingStarted = changesState && knownNotCommitted(error)
        throw new RequestDatabaseError(error, nothingStarted ? 'not_started' : outcome)
      } finally {
        isFinished = true
        clearTimeout(timer)
      }
    },
    beginChecks() {
      outcome = 'not_started'
    },
    setDatabaseTime(databaseTimeMs) {
      databaseOffsetMs = databaseTimeMs - performance.now()
    },
    async beforeCommit() {
      if (databaseOffsetMs === null) throw new Error('the time of the database was not read')
      if (await isClientDisconnected()) throw new ClientDisconnected()
      throwIfTimedOut()
      outcome = 'unknown'
      // The client is answered when the time is over, or before when the query fails.
      const notAfterMs = Math.min(expiresAtMs, performance.now() + defaultQueryTimeoutMs)
      return { arrivedAtMs: arrivedAtMs + databaseOffsetMs, notAfterMs: notAfterMs + databaseOffsetMs }
    },
    pause(maxMs) {
      throwIfTimedOut()
      paused = { atMs: performance.now(), maxMs }
      restartTimer()
    },
    resume() {
      if (paused === null) return
      if (performance.now() >= currentLimitMs()) timeOut()
      expiresAtMs += performance.now() - paused.atMs
      paused = null
      restartTimer()
    },
  }
}
