/** The one place where an error becomes an answer: the asker's fault in words, ours in the log. */
import type { Logger } from 'pino'
import { classifyStoreError, type StoreError } from '../../db/errors.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError, type ErrorCode, errorBody } from '../../domain/errors.ts'
import { RequestDatabaseError, retryAdvice } from './request-deadline.ts'

/** The answer carries `requestId`, under which the log has the cause. */
export function errorResponse(error: unknown, log: Logger, requestId: string): Response {
  const answer = toResponse(error, log, requestId)
  answer.headers.set(headers.requestId, requestId)
  answer.headers.set('X-Content-Type-Options', 'nosniff')
  return answer
}

function toResponse(error: unknown, log: Logger, requestId: string): Response {
  if (error instanceof ApiError)
    return refusalResponse(error.code, error.message, error.status, error.plainText)
  const storeError = classifyStoreError(error)
  if (storeError !== null) {
    const [cause, outcome] =
      error instanceof RequestDatabaseError ? [error.cause, error.outcome] : [error, 'asked' as const]
    log.warn({ err: cause, requestId }, `the database is ${storeError}`)
    return refusalResponse(
      'stores_away',
      storeError === 'full' ? diskFullMessage : storeErrorMessages[storeError] + retryAdvice[outcome],
      503,
    )
  }
  log.error({ err: error, requestId }, 'a request failed')
  return refusalResponse('internal', 'Something went wrong on our side; the server log has the cause.', 500)
}

const storeErrorMessages: Record<Exclude<StoreError, 'full'>, string> = {
  away: 'The database is not reachable right now',
  slow: 'The database takes too long to answer right now',
}
const diskFullMessage =
  'The database has no room left on its disk: nothing new can be stored, and nothing is lost. It goes on by itself when there is room.'

function refusalResponse(code: ErrorCode, message: string, status: number, plain = false): Response {
  const extra: Record<string, string> = status === 503 ? { 'Retry-After': '2' } : {}
  if (plain) {
    return new Response(message, {
      status,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', ...extra },
    })
  }
  return Response.json(errorBody(code, message), { status, headers: extra })
}
