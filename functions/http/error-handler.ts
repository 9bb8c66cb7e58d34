/**
 * Turns every error of a request into its answer: the message of an ApiError goes to the client, other errors go to the
 * log. Called by app.ts.
 */
import type { Logger } from 'pino'
import { classifyStoreError, isLateRequest, type StoreError } from '../../db/errors.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError, errorBody } from '../../domain/errors.ts'
import { ClientDisconnected, RequestDatabaseError, retryAdvice } from './request-deadline.ts'

/** The answer carries `requestId`; the log has the cause under the same id. */
export function errorResponse(error: unknown, log: Logger, requestId: string): Response {
  const response = toResponse(error, log, requestId)
  response.headers.set(headers.requestId, requestId)
  response.headers.set('X-Content-Type-Options', 'nosniff')
  return response
}

/** nginx logs this status for a client that closed its connection. No client reads the answer. */
const clientClosedRequest = 499

function toResponse(error: unknown, log: Logger, requestId: string): Response {
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
  timeout: 'The database takes too long to answer right now',
}
const diskFullMessage =
  'The disk of the database is full: no change can be stored, and nothing is lost. Changes work again as soon as there is space.'

function apiErrorResponse({ code, message, status, plainText }: ApiError): Response {
  const retryHeaders: Record<string, string> = status === 503 ? { 'Retry-After': '2' } : {}
  if (plainText) {
    return new Response(message, {
      status,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', ...retryHeaders },
    })
  }
  return Response.json(errorBody(code, message), { status, headers: retryHeaders })
}
