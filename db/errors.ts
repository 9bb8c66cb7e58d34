/** What PostgreSQL's errors mean to us. */
import {
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  ConnectionError,
  UniqueIntegrityConstraintViolationError,
} from 'slonik'

/** A write came from a hand that no longer holds the action's lease (law 3). Stop; somebody else decides. */
export class StaleLease extends Error {
  override name = 'StaleLease'
  constructor(actionId: number, fencingToken: number) {
    super(`action ${actionId} is no longer ours (fencing token ${fencingToken})`)
  }
}

/** All connections were busy for too long; the query was not sent, and will not be. */
export class PoolTimeout extends Error {
  override name = 'NoConnection'
}

/** A query had no answer in time; its connection is given up. */
export class QueryTimeout extends Error {
  override name = 'NoAnswerInTime'
}

/** Raised by the guards in the schema (migration 0002). */
export function isStaleWrite(error: unknown): boolean {
  return error instanceof StaleLease || errorChain(error).some((one) => errorCode(one) === 'OC001')
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof UniqueIntegrityConstraintViolationError
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'ENETUNREACH',
])

/** Not reachable; too slow to be used, or all its connections busy; no room left on its disk. */
export type StoreError = 'away' | 'slow' | 'full'

/** What is wrong with the database, if it is that rather than our query. */
export function classifyStoreError(error: unknown): StoreError | null {
  return (
    errorChain(error)
      .map(classifyOne)
      .find((trouble) => trouble !== null) ?? null
  )
}

export const isDatabaseUnavailable = (error: unknown): boolean => classifyStoreError(error) !== null

/**
 * Whether a database in trouble has surely changed nothing: there was no connection to send anything by, or PostgreSQL said
 * itself that it failed. Otherwise, as when a connection breaks during COMMIT, nobody knows.
 */
export function knownNotCommitted(error: unknown): boolean {
  return errorChain(error).some(
    (one) =>
      one instanceof PoolTimeout ||
      one instanceof ConnectionError ||
      /^(53...|57014|57P03)$/.test(errorCode(one) ?? ''),
  )
}

function classifyOne(error: unknown): StoreError | null {
  if (error instanceof PoolTimeout || error instanceof QueryTimeout) return 'slow'
  const code = errorCode(error) ?? ''
  // 53100: disk full; 57014: it ran out of the time a statement has.
  if (code === '53100') return 'full'
  if (code === '57014') return 'slow'
  if (error instanceof BackendTerminatedError || error instanceof BackendTerminatedUnexpectedlyError)
    return error.cause instanceof QueryTimeout ? 'slow' : 'away'
  // 08: connection exceptions; 57P0x: shutting down, starting up; 53: too many connections, no memory.
  if (networkCodes.has(code) || /^(08|57P0|53)/.test(code)) return 'away'
  const message = error instanceof Error ? error.message : ''
  return /timeout expired|timeout exceeded|connection terminated|pool is being/i.test(message) ? 'away' : null
}

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** The error, its causes and the members of aggregates (a refused connection to localhost is one of two). */
function errorChain(error: unknown, depth = 0): unknown[] {
  if (error === null || error === undefined || depth > 5) return []
  const { cause, errors } = error as { cause?: unknown; errors?: unknown[] }
  return [
    error,
    ...errorChain(cause, depth + 1),
    ...(Array.isArray(errors) ? errors.flatMap((one) => errorChain(one, depth + 1)) : []),
  ]
}
