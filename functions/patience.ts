/**
 * How long one request may take, and what is known of it when it fails: whoever is told "nothing was begun" finds nothing
 * begun later, and whoever may have been accepted is told so.
 */
import { changedNothing, isAway } from '../db/errors.ts'
import { Refusal } from '../domain/errors.ts'

/** What has come of a request that failed: it only wanted to know something, it has begun nothing, nobody knows. */
export type Outcome = 'asked' | 'nothing' | 'unknown'

/** Ends the sentence that says what is wrong. */
export const advice: Record<Outcome, string> = {
  asked: '; nothing is lost. Try again shortly.',
  nothing:
    '; this request has begun nothing. Send it again shortly, with the same Idempotency-Key if it has one.',
  unknown:
    '. Whether the request was accepted is not known: look, or send it again with the same Idempotency-Key.',
}

/** The database's trouble, its `cause`, has ended a request. */
export class StoreTrouble extends Error {
  override name = 'StoreTrouble'
  readonly outcome: Outcome
  constructor(cause: unknown, outcome: Outcome) {
    super('the database could not serve a request', { cause })
    this.outcome = outcome
  }
}

export type Patience = {
  /** The request's work. Rejects with stores_away when its time is over, with StoreTrouble when the database fails it. */
  within<T>(work: () => Promise<T>): Promise<T>
  /**
   * The part of it that only looks, before it acts. Rejects when the time is over by then, or when its client has left: nothing may
   * be begun any more. What this server comes to only now, say because it stood still, another one may have refused meanwhile.
   */
  beforehand<T>(look: () => Promise<T>): Promise<T>
  /** Waits for scripts: that has a limit of its own and does not count. Rejects at once when the time is over. */
  asking<T>(ask: () => Promise<T>): Promise<T>
}

/**
 * For one request. `acts`: it wants something done. `limitMs`: how long it may take without the waits for scripts, each of
 * which ends by itself well within `askingMs`. `left`: whether the client has gone, and will send it again if it still wants it.
 */
export function openPatience(
  acts: boolean,
  limitMs: number,
  askingMs: number,
  left: () => Promise<boolean> = async () => false,
): Patience {
  let outcome: Outcome = acts ? 'unknown' : 'asked'
  let leftMs = limitMs
  let countsSince = performance.now()
  let timer: NodeJS.Timeout | undefined
  let over = false
  let late: Refusal | null = null
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  tooLate.catch(() => {})

  const giveUpIn = (ms: number) => {
    clearTimeout(timer)
    if (over) return
    timer = setTimeout(() => {
      late = new Refusal('stores_away', `The server could not answer in time${advice[outcome]}`)
      reject(late)
    }, ms)
  }
  const refuseLate = () => {
    if (late !== null) throw late
  }
  return {
    async within(work) {
      giveUpIn(limitMs)
      try {
        return await Promise.race([work(), tooLate])
      } catch (error) {
        if (!isAway(error)) throw error
        throw new StoreTrouble(error, acts && changedNothing(error) ? 'nothing' : outcome)
      } finally {
        over = true
        clearTimeout(timer)
      }
    },
    async beforehand(look) {
      outcome = 'nothing'
      const found = await look()
      if (await left())
        throw new Refusal('bad_request', 'Its client has left: this request has begun nothing.')
      refuseLate()
      outcome = 'unknown'
      return found
    },
    async asking(ask) {
      refuseLate()
      leftMs -= performance.now() - countsSince
      giveUpIn(leftMs + askingMs)
      try {
        return await ask()
      } finally {
        countsSince = performance.now()
        giveUpIn(leftMs)
      }
    },
  }
}
