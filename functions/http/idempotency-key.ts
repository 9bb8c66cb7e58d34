/**
 * Middleware: stores the Idempotency-Key of a request, with a fingerprint of the request that it identifies. The
 * queries of db/queries use it, so that a repeated request acts once.
 */
import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { RequestEnv } from './request-env.ts'

const visibleText = /^[\x21-\x7e]{1,200}$/

/** The fingerprint is made of method, path and body. A client may send its own in place of the body. */
export const idempotencyKey: MiddlewareHandler<RequestEnv> = (context, next) => {
  const key = context.req.header(headers.idempotencyKey)
  if (key === undefined) return next()
  if (!visibleText.test(key)) {
    throw new ApiError('bad_request', 'An Idempotency-Key has 1 to 200 visible ASCII characters.')
  }
  const clientFingerprint = context.req.header(headers.fingerprint)
  if (clientFingerprint !== undefined && !visibleText.test(clientFingerprint)) {
    throw new ApiError('bad_request', 'An Octopod-Fingerprint has 1 to 200 visible ASCII characters.')
  }
  const fingerprint = createHash('sha256')
    .update(
      `${context.req.method} ${context.req.path}\n${clientFingerprint ?? context.get('bodyText') ?? ''}`,
    )
    .digest('base64url')
  // The key of another caller is another key, so that nobody gets the answer to the request of somebody else.
  const owner = context.get('caller').key ?? 'anonymous'
  context.set('idempotencyKey', { key: `${owner} ${key}`, fingerprint })
  return next()
}
