/** Counts wrong user codes, so that nobody guesses the code of somebody else. Created by auth.ts; used by device-handlers.ts. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../../../domain/errors.ts'

export type CodeGuesses = {
  /** Throws rate_limited for a caller that has sent too many wrong codes to this server. */
  requireFew(caller: string): Promise<void>
  /** A wrong code. Throws rate_limited for one too many. */
  record(caller: string): Promise<void>
}

const maxWrongCodes = 10
const windowSeconds = 600

/** Only people and credentials that are known send codes, so their number is small. */
export function createCodeGuesses(): CodeGuesses {
  const limiter = new RateLimiterMemory({ points: maxWrongCodes, duration: windowSeconds })
  const refusal = ({ msBeforeNext }: RateLimiterRes) =>
    new ApiError('rate_limited', 'Too many wrong codes.', {
      retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    })
  return {
    async requireFew(caller) {
      const guesses = await limiter.get(caller)
      if (guesses !== null && guesses.consumedPoints >= maxWrongCodes) throw refusal(guesses)
    },
    async record(caller) {
      try {
        await limiter.consume(caller)
      } catch (error) {
        throw error instanceof RateLimiterRes ? refusal(error) : error
      }
    },
  }
}
