/**
 * Classifies the errors of PostgreSQL and slonik. Used by functions/ and runner/ to choose between retry, refusal and
 * log.
 */
import {
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  ConnectionError,
  UniqueIntegrityConstraintViolationError,
} from 'slonik'

/** The writer no longer holds the lease of the action. It must stop; another process decides about the action. */
export class StaleLease extends Error {
  override name = 'StaleLease'
  constructor(actionId: number, fencingToken: number) {
    super(`action ${actionId} belongs to another writer (fencing token ${fencingToken})`)
  }
}

/** No connection became free in time. The query was not sent and will not be sent. */
export class PoolTimeout extends Error {
  override name = 'PoolTimeout'
}

/** A query had no answer in time. Its connection is closed. */
export class QueryTimeout extends Error {
  override name = 'QueryTimeout'
}

/**
 * The action belongs to another writer, has ended or was deleted: the triggers of the schema raise OC001
 * (db/definitions/triggers.sql).
 */
export function isStaleWrite(error: unknown): boolean {
  return error instanceof StaleLease || errorChain(error).some((one) => errorCode(one) === 'OC001')
}

/**
 * The function require_request_in_time raises OC002: the client has an answer already, so its request must not act any
 * more. Nothing was changed.
 */
export function isLateRequest(error: unknown): boolean {
  return errorChain(error).some((one) => errorCode(one) === 'OC002')
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

/** `timeout`: the database is too slow, or all connections are busy. `read_only`: a standby, as after a failover. */
export type StoreError = 'unreachable' | 'timeout' | 'disk_full' | 'read_only'

/** Returns null when the database works and the query itself is wrong. */
export function classifyStoreError(error: unknown): StoreError | null {
  const chain = errorChain(error)
  // Slonik wraps it as a connection that has ended, because db/pool.ts then replaces the connection.
  if (chain.some((one) => errorCode(one) === '25006')) return 'read_only'
  return chain.map(classifyOne).find((storeError) => storeError !== null) ?? null
}

export const isDatabaseUnavailable = (error: unknown): boolean => classifyStoreError(error) !== null

/**
 * True when the query certainly changed nothing: there was no connection to send it on, or PostgreSQL reported that it
 * failed. False when the outcome is unknown, for example when the connection broke during COMMIT.
 */
export function knownNotCommitted(error: unknown): boolean {
  return errorChain(error).some(
    (one) =>
      one instanceof PoolTimeout ||
      one instanceof ConnectionError ||
      /^(25006|53...|57014|57P03)$/.test(errorCode(one) ?? ''),
  )
}

/** There was no connection for the query, because PostgreSQL or the role allows no more of them. */
export const hasTooManyConnections = (error: unknown): boolean =>
  error instanceof ConnectionError && errorChain(error).some((one) => errorCode(one) === '53300')

/** The connection of the query had ended or ended during it; a new connection may work at once. */
export function isConnectionLost(error: unknown): boolean {
  const chain = errorChain(error)
  return (
    !chain.some((one) => one instanceof QueryTimeout) &&
    chain.some(
      (one) =>
        one instanceof BackendTerminatedError ||
        one instanceof BackendTerminatedUnexpectedlyError ||
        ['ECONNRESET', 'EPIPE', '57P01'].includes(errorCode(one) ?? ''),
    )
  )
}

function classifyOne(error: unknown): StoreError | null {
  if (error instanceof PoolTimeout || error instanceof QueryTimeout) return 'timeout'
  const code = errorCode(error) ?? ''
  // 53100: disk full; 57014: statement timeout.
  if (code === '53100') return 'disk_full'
  if (code === '57014') return 'timeout'
  if (error instanceof BackendTerminatedError || error instanceof BackendTerminatedUnexpectedlyError)
    return error.cause instanceof QueryTimeout ? 'timeout' : 'unreachable'
  // A connection that PostgreSQL or a pooler refuses, whatever the reason: limits, a changed password, TLS.
  if (error instanceof ConnectionError) return 'unreachable'
  // 08: connection exceptions; 42501: a right that the role has lost; 57P0x: shutdown or startup; 53: too many connections
  // or out of memory.
  if (networkCodes.has(code) || /^(08|42501|57P0|53)/.test(code)) return 'unreachable'
  const message = error instanceof Error ? error.message : ''
  return /timeout expired|timeout exceeded|connection terminated|pool is being|pool has been shut down/i.test(
    message,
  )
    ? 'unreachable'
    : null
}

/**
 * What an error means that needs no correction of the program, in words for a warning without a stack: the action is
 * gone, or a store is away, as at a shutdown. Null for every other error.
 */
export function describeOrdinaryLoss(error: unknown): string | null {
  if (isStaleWrite(error)) return 'the action has ended, was deleted or belongs to another runner'
  // First: an error of the network has the same codes for both stores.
  const redisError = errorChain(error).find(isRedisError) as Error | undefined
  if (redisError?.name === 'ReplyError') return `Redis refuses a command (${redisError.message})`
  if (redisError !== undefined) return 'Redis is unreachable'
  const storeError = classifyStoreError(error)
  return storeError === null ? null : storeErrorDescriptions[storeError]
}

const storeErrorDescriptions: Record<StoreError, string> = {
  unreachable: 'PostgreSQL is unreachable',
  read_only: 'PostgreSQL is read-only',
  timeout: 'PostgreSQL takes too long to answer',
  disk_full: 'the disk of PostgreSQL is full',
}

/** ioredis has no codes of its own. What Redis refuses, as a replica or with full memory, counts as Redis being away. */
function isRedisError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'ReplyError' ||
    error.name === 'MaxRetriesPerRequestError' ||
    /^(Connection is closed|Command timed out|Command aborted due to connection close|Stream isn't writeable|Socket timeout)/.test(
      error.message,
    )
  )
}

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** The error, its causes and the members of aggregates: a refused connection to localhost is an aggregate of two. */
export function errorChain(error: unknown, depth = 0): unknown[] {
  if (error === null || error === undefined || depth > 5) return []
  const { cause, errors } = error as { cause?: unknown; errors?: unknown[] }
  return [
    error,
    ...errorChain(cause, depth + 1),
    ...(Array.isArray(errors) ? errors.flatMap((one) => errorChain(one, depth + 1)) : []),
  ]
}
