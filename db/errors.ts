/** What PostgreSQL's errors mean to us. */
import {
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  UniqueIntegrityConstraintViolationError,
} from 'slonik'

/** A write came from a hand that no longer holds the action's lease (law 3). Stop; somebody else decides. */
export class StaleLease extends Error {
  override name = 'StaleLease'
  constructor(actionId: number, epoch: number) {
    super(`action ${actionId} is no longer ours (epoch ${epoch})`)
  }
}

/** All connections were busy for too long; the query was not sent, and will not be. */
export class NoConnection extends Error {
  override name = 'NoConnection'
}

/** Raised by the guards in the schema (migration 0002). */
export function isStaleWrite(error: unknown): boolean {
  return error instanceof StaleLease || chain(error).some((one) => codeOf(one) === 'OC001')
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

/** Is the database away (down, restarting, unreachable, too slow, full of connections), rather than our query wrong? */
export function isAway(error: unknown): boolean {
  return chain(error).some((one) => {
    if (one instanceof BackendTerminatedError || one instanceof BackendTerminatedUnexpectedlyError)
      return true
    if (one instanceof NoConnection) return true
    const code = codeOf(one)
    // 08: connection exceptions; 57P0x: shutting down, starting up; 53300: too many connections; 53100: disk full;
    // 57014: it ran out of the time a statement has, so the database is too slow to be used.
    if (code !== undefined && (networkCodes.has(code) || /^(08|57P0|57014|53)/.test(code))) return true
    return (
      one instanceof Error &&
      /timeout expired|timeout exceeded|connection terminated|pool is being/i.test(one.message)
    )
  })
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** The error, its causes and the members of aggregates (a refused connection to localhost is one of two). */
function chain(error: unknown, depth = 0): unknown[] {
  if (error === null || error === undefined || depth > 5) return []
  const { cause, errors } = error as { cause?: unknown; errors?: unknown[] }
  return [
    error,
    ...chain(cause, depth + 1),
    ...(Array.isArray(errors) ? errors.flatMap((one) => chain(one, depth + 1)) : []),
  ]
}
