/**
 * Middlewares for the body of a request: `bodyLimit` rejects one that is too large before it is read, `jsonBody` reads
 * it. Both are used by app.ts.
 */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit as honoBodyLimit } from 'hono/body-limit'
import { ApiError } from '../../domain/errors.ts'
import type { RequestEnv } from './request-env.ts'

/** Large enough for 2,000 overrides at both levels; one value may have 100 kB. */
const maxBodyBytes = 1024 * 1024

/** Throws too_large (413). */
export const bodyLimit = honoBodyLimit({ maxSize: maxBodyBytes, onError: bodyTooLarge })

function bodyTooLarge(): never {
  throw new ApiError('too_large', `The body is larger than ${maxBodyBytes} bytes.`)
}

/** Throws wrong_media_type (415) when the endpoint expects JSON and gets another type. */
export function jsonBody(expected: boolean): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const text = await context.req.text()
    if (expected && !/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
      throw new ApiError(
        'wrong_media_type',
        'Send the body as JSON, with the header Content-Type: application/json.',
      )
    }
    context.set('bodyText', text)
    await next()
  }
}
