/** The one place where an error becomes an answer: the asker's fault in words, ours in the log. */
import type { Logger } from 'pino'
import { type Trouble, troubleOf } from '../db/errors.ts'
import { type ErrorCode, errorBody, Refusal } from '../domain/errors.ts'
import { headers } from '../domain/places.ts'
import { advice, StoreTrouble } from './patience.ts'

/** The answer carries `requestId`, under which the log has the cause. */
export function answerError(error: unknown, log: Logger, requestId: string): Response {
  const answer = answerOf(error, log, requestId)
  answer.headers.set(headers.requestId, requestId)
  answer.headers.set('X-Content-Type-Options', 'nosniff')
  return answer
}

function answerOf(error: unknown, log: Logger, requestId: string): Response {
  if (error instanceof Refusal) return refuse(error.code, error.message, error.status, error.plain)
  const trouble = troubleOf(error)
  if (trouble !== null) {
    const [cause, outcome] =
      error instanceof StoreTrouble ? [error.cause, error.outcome] : [error, 'asked' as const]
    log.warn({ err: cause, requestId }, `the database is ${trouble}`)
    return refuse('stores_away', trouble === 'full' ? full : words[trouble] + advice[outcome], 503)
  }
  log.error({ err: error, requestId }, 'a request failed')
  return refuse('internal', 'Something went wrong on our side; the server log has the cause.', 500)
}

const words: Record<Exclude<Trouble, 'full'>, string> = {
  away: 'The database is not reachable right now',
  slow: 'The database takes too long to answer right now',
}
const full =
  'The database has no room left on its disk: nothing new can be stored, and nothing is lost. It goes on by itself when there is room.'

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
