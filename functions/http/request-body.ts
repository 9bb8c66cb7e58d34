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

/**
 * Throws wrong_media_type (415) when the endpoint expects JSON and gets another type, bad_request (400) for another
 * charset than UTF-8 and for bytes that are not UTF-8.
 */
export function jsonBody(expected: boolean): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const bytes = await context.req.arrayBuffer()
    if (expected) requireJsonType(context.req.header('content-type') ?? '')
    context.set('bodyText', decode(bytes, expected))
    await next()
  }
}

function requireJsonType(contentType: string): void {
  if (!/^application\/json\b/i.test(contentType)) {
    throw new ApiError(
      'wrong_media_type',
      'Send the body as JSON, with the header Content-Type: application/json.',
    )
  }
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType) ?? []
  if (!/^utf-?8$/i.test(charset))
    throw new ApiError('bad_request', `The charset ${charset.slice(0, 40)} is not supported: send UTF-8.`)
}

function decode(bytes: ArrayBuffer, strictly: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: strictly }).decode(bytes)
  } catch {
    throw new ApiError('bad_request', 'The body is not valid UTF-8.')
  }
}
