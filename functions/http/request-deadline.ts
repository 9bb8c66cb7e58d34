/**
 * Limits the time of a request, and knows whether a failed request has started anything. A client that reads "nothing
 * was started" can rely on it; a client whose request may have been accepted reads that the outcome is
 * unknown. endpoint-handler.ts creates one deadline for each request, and the handlers call it between their steps.
 */
import { isDatabaseUnavailable, knownNotCommitted } from '../../db/errors.ts'
import { ApiError } from '../../domain/errors.ts'

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
   * Runs the handler. Rejects with service_unavailable when the time is over, and with RequestDatabaseError when the
   * database is unavailable.
   */
  run<T>(handler: () => Promise<T>): Promise<T>
  /** From here to {@link beforeCommit} the handler only reads: a failure means `not_started`. */
  beginChecks(): void
  /**
   * Ends the checks, right before the handler writes. Throws when the time is over or the client has disconnected: a
   * server that was frozen must not start a request that the client has already sent to another server.
   */
  beforeCommit(): Promise<void>
  /** Stops the clock while a script runs, which has its own time limit. Throws when the time is over. */
  pause(): void
  resume(): void
}

type Options = {
  changesState: boolean
  timeoutMs: number
  /** The longest time between `pause` and `resume`. */
  scriptQueryTimeoutMs: number
  isClientDisconnected?: () => Promise<boolean>
}

export function createRequestDeadline(options: Options): RequestDeadline {
  const { changesState, timeoutMs, scriptQueryTimeoutMs, isClientDisconnected = async () => false } = options
  let outcome: Outcome = changesState ? 'unknown' : 'read'
  let remainingMs = timeoutMs
  let runningSince = performance.now()
  let timer: NodeJS.Timeout | undefined
  let isFinished = false
  let timeoutError: ApiError | null = null
  const { promise: timedOut, reject } = Promise.withResolvers<never>()
  timedOut.catch(() => {})

  const rejectIn = (ms: number) => {
    clearTimeout(timer)
    if (isFinished) return
    timer = setTimeout(() => {
      timeoutError = new ApiError(
        'service_unavailable',
        `The server could not answer in time${retryAdvice[outcome]}`,
      )
      reject(timeoutError)
    }, ms)
  }
  const throwIfTimedOut = () => {
    if (timeoutError !== null) throw timeoutError
  }
  return {
    async run(handler) {
      rejectIn(timeoutMs)
      try {
        return await Promise.race([handler(), timedOut])
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
    async beforeCommit() {
      if (await isClientDisconnected()) throw new ClientDisconnected()
      throwIfTimedOut()
      outcome = 'unknown'
    },
    pause() {
      throwIfTimedOut()
      remainingMs -= performance.now() - runningSince
      rejectIn(remainingMs + scriptQueryTimeoutMs)
    },
    resume() {
      runningSince = performance.now()
      rejectIn(remainingMs)
    },
  }
}
