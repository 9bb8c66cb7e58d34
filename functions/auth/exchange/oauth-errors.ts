/** Middleware of POST /token: adds `error` and `error_description` of OAuth to the errors of Octopod. Used by app.ts. */
import type { MiddlewareHandler } from 'hono'
import type { RequestEnv } from '../../http/request-env.ts'

export const oauthErrors: MiddlewareHandler<RequestEnv> = async (context, next) => {
  await next()
  const { status, headers } = context.res
  if (status < 400 || !headers.get('content-type')?.startsWith('application/json')) return
  const body = (await context.res.json()) as { error_message?: string }
  const description = body.error_message ?? ''
  // An assignment keeps the other headers.
  context.res = Response.json(
    { ...body, error: oauthError(status, description), error_description: description },
    { status },
  )
}

/** RFC 6749 §5.2, and RFC 8693 §2.2.2: a subject token that is not accepted is an invalid request. */
function oauthError(status: number, description: string): string {
  if (status === 429 || status >= 500) return 'temporarily_unavailable'
  return description.startsWith('body.grant_type') ? 'unsupported_grant_type' : 'invalid_request'
}
