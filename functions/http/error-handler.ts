/**
 * Turns every error of a request into its answer: the message of an ApiError goes to the client, other errors go to the
 * log. Called by app.ts.
 */
import type { Logger } from 'pino'
import { classifyStoreError, isLateRequest, type StoreError } from '../../db/errors.ts'
import { ApiError, errorBody } from '../../domain/errors.ts'
import { ClientDisconnected, RequestDatabaseError, retryAdvice } from './request-deadline.ts'

/** nginx logs this status for a client that closed its connection. No client reads the answer. */
const clientClosedRequest = 499

/** The log has the cause under `requestId`, which the answer carries. */
export function errorResponse(error: unknown, log: Logger, requestId: string): Response {
  if (error instanceof ApiError) return apiErrorResponse(error)
  if (error instanceof ClientDisconnected) {
    log.info({ requestId }, 'client disconnected before the request was started')
    return new Response(null, { status: clientClosedRequest })
  }
  if (isLateRequest(error)) {
    log.info({ err: error, requestId }, 'request reached the database too late')
    const message = `The request reached the database too late${retryAdvice.not_started}`
    return apiErrorResponse(new ApiError('service_unavailable', message))
  }
  const storeError = classifyStoreError(error)
  if (storeError !== null) {
    const isRequest = error instanceof RequestDatabaseError
    const cause = isRequest ? error.cause : error
    log.warn({ err: cause, reason: storeError, requestId }, 'database unavailable')
    const advice = retryAdvice[isRequest ? error.outcome : 'read']
    const message = storeError === 'disk_full' ? diskFullMessage : storeErrorMessages[storeError] + advice
    return apiErrorResponse(new ApiError('service_unavailable', message))
  }
  log.error({ err: error, requestId }, 'request failed')
  return apiErrorResponse(new ApiError('internal', 'Internal server error; see the server log.'))
}

const storeErrorMessages: Record<Exclude<StoreError, 'disk_full'>, string> = {
  unreachable: 'The database is not reachable right now',
  read_only: 'The database is read-only right now, as after a failover',
  timeout: 'The database takes too long to answer right now',
}
const diskFullMessage =
  'The disk of the database is full: no change can be stored, and nothing is lost. Changes work again as soon as there is space.'

function apiErrorResponse(error: ApiError): Response {
  const { code, message, status, plainText } = error
  const extraHeaders = retryAndAuthenticateHeaders(error)
  if (plainText) {
    return new Response(message, {
      status,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', ...extraHeaders },
    })
  }
  return Response.json(errorBody(code, message), { status, headers: extraHeaders })
}

/** When to send the request again, and how to sign in. */
export function retryAndAuthenticateHeaders({ status, retryAfterSeconds }: ApiError): Record<string, string> {
  if (status === 503 || status === 429) return { 'Retry-After': String(retryAfterSeconds ?? 2) }
  // Not a scheme that browsers know: they would ask for a password.
  return status === 401 ? { 'WWW-Authenticate': 'Octopod realm="octopod"' } : {}
}
