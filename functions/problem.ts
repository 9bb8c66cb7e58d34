/** The one place where an error becomes an answer: the asker's fault in words, ours in the log. */
import type { Logger } from 'pino'
import { isAway } from '../db/errors.ts'
import { type ErrorCode, errorBody, Refusal } from '../domain/errors.ts'
import { headers } from '../domain/places.ts'

/** The answer carries `requestId`, under which the log has the cause. */
export function answerError(error: unknown, log: Logger, requestId: string): Response {
  const answer = answerOf(error, log, requestId)
  answer.headers.set(headers.requestId, requestId)
  answer.headers.set('X-Content-Type-Options', 'nosniff')
  return answer
}

function answerOf(error: unknown, log: Logger, requestId: string): Response {
  if (error instanceof Refusal) return refuse(error.code, error.message, error.status, error.plain)
  if (isAway(error)) {
    log.warn({ err: error, requestId }, 'the database is away')
    return refuse(
      'stores_away',
      'The database is not reachable right now; nothing is lost. Try again shortly.',
      503,
    )
  }
  log.error({ err: error, requestId }, 'a request failed')
  return refuse('internal', 'Something went wrong on our side; the server log has the cause.', 500)
}

function refuse(code: ErrorCode, message: string, status: number, plain = false): Response {
  const extra: Record<string, string> = status === 503 ? { 'Retry-After': '2' } : {}
  if (plain) {
    return new Response(message, {
      status,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', ...extra },
    })
  }
  return Response.json(errorBody(code, message), { status, headers: extra })
}
