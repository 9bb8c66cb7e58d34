/** Middleware: reads the body of a request. Throws wrong_media_type (415) when an endpoint expects JSON and gets another type. */
import type { MiddlewareHandler } from 'hono'
import { ApiError } from '../../domain/errors.ts'
import type { RequestEnv } from './request-env.ts'

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
