/**
 * How long one request may take, and what is known of it when it fails: whoever is told "nothing was begun" finds nothing
 * begun later, and whoever may have been accepted is told so.
 */
import { isDatabaseUnavailable, knownNotCommitted } from '../../db/errors.ts'
import { ApiError } from '../../domain/errors.ts'

/** What has come of a request that failed: it only wanted to know something, it has begun nothing, nobody knows. */
export type Outcome = 'asked' | 'nothing' | 'unknown'

/** Ends the sentence that says what is wrong. */
export const retryAdvice: Record<Outcome, string> = {
  asked: '; nothing is lost. Try again shortly.',
  nothing:
    '; this request has begun nothing. Send it again shortly, with the same Idempotency-Key if it has one.',
  unknown:
    '. Whether the request was accepted is not known: look, or send it again with the same Idempotency-Key.',
}

/** The database's trouble, its `cause`, has ended a request. */
export class RequestDatabaseError extends Error {
  override name = 'StoreTrouble'
  readonly outcome: Outcome
  constructor(cause: unknown, outcome: Outcome) {
    super('the database could not serve a request', { cause })
    this.outcome = outcome
  }
}

export type RequestDeadline = {
  /** The request's work. Rejects with stores_away when its time is over, with StoreTrouble when the database fails it. */
  run<T>(work: () => Promise<T>): Promise<T>
  /**
   * The part of it that only looks, before it acts. Rejects when the time is over by then, or when its client has left: nothing may
   * be begun any more. What this server comes to only now, say because it stood still, another one may have refused meanwhile.
   */
  beforeCommit<T>(look: () => Promise<T>): Promise<T>
  /** Waits for scripts: that has a limit of its own and does not count. Rejects at once when the time is over. */
  duringScriptCall<T>(ask: () => Promise<T>): Promise<T>
}

/**
 * For one request. `acts`: it wants something done. `limitMs`: how long it may take without the waits for scripts, each of
 * which ends by itself well within `askingMs`. `left`: whether the client has gone, and will send it again if it still wants it.
 */
export function createRequestDeadline(
  changesState: boolean,
  limitMs: number,
  scriptCallLimitMs: number,
  clientDisconnected: () => Promise<boolean> = async () => false,
): RequestDeadline {
  let outcome: Outcome = changesState ? 'unknown' : 'asked'
  let remainingMs = limitMs
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
      timeoutError = new ApiError('stores_away', `The server could not answer in time${retryAdvice[outcome]}`)
      reject(timeoutError)
    }, ms)
  }
  const throwIfTimedOut = () => {
    if (timeoutError !== null) throw timeoutError
  }
  return {
    async run(work) {
      rejectIn(limitMs)
      try {
        return await Promise.race([work(), timedOut])
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error
        throw new RequestDatabaseError(error, changesState && knownNotCommitted(error) ? 'nothing' : outcome)
      } finally {
        isFinished = true
        clearTimeout(timer)
      }
    },
    async beforeCommit(look) {
      outcome = 'nothing'
      const found = await look()
      if (await clientDisconnected())
        throw new ApiError('bad_request', 'Its client has left: this request has begun nothing.')
      throwIfTimedOut()
      outcome = 'unknown'
      return found
    },
    async duringScriptCall(ask) {
      throwIfTimedOut()
      remainingMs -= performance.now() - runningSince
      rejectIn(remainingMs + scriptCallLimitMs)
      try {
        return await ask()
      } finally {
        runningSince = performance.now()
        rejectIn(remainingMs)
      }
    },
  }
}
