/**
 * The connection pool: slonik with what it leaves out (measured, architecture §5): rows checked by zod, no query and no wait
 * for a connection without a deadline, a start that waits for PostgreSQL. Opened by server and runner, handed to every query.
 */

import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createPgDriverFactory } from '@slonik/pg-driver'
import {
  BackendTerminatedError,
  createPool,
  type DatabasePool,
  type DatabaseTransactionConnection,
  type DriverFactory,
  type DriverTypeParser,
  type Interceptor,
} from 'slonik'
import { createSemaphore } from '../lib/semaphore.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import { classifyStoreError, PoolTimeout, QueryTimeout } from './errors.ts'

const poolMethods = [
  'any',
  'anyFirst',
  'exists',
  'maybeOne',
  'maybeOneFirst',
  'one',
  'oneFirst',
  'query',
  'transaction',
] as const
export type Database = Pick<DatabasePool, (typeof poolMethods)[number] | 'end'> & {
  /** Whether something could not be stored a moment ago because the disk of PostgreSQL is full. */
  isDiskFull(): boolean
}
/** How long that counts: what can be stored again is noticed by storing it. */
const diskFullReportMs = 30_000
export type Transaction = DatabaseTransactionConnection

/** Ids, counts and revisions stay far below 2^53; one that does not is an error, never another number. */
const int8: DriverTypeParser = {
  name: 'int8',
  parse: (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint does not fit: ${text}`)
    return value
  },
}

export type PoolOptions = {
  size: number
  /** How long one statement may take, in milliseconds; then its connection is given up. And how long one may wait for a
   * connection: what nobody waits for any more must not be done later. */
  queryTimeoutMs?: number
  /** How long to wait for PostgreSQL to come up at the start, in milliseconds. */
  startupTimeoutMs?: number
  onWait?: (words: string) => void
}

/** Connects, waiting `patienceMs` for a PostgreSQL that is not up yet; then throws what the last try threw. */
export async function openPool(url: string, options: PoolOptions): Promise<Database> {
  const queryTimeoutMs = options.queryTimeoutMs ?? 3000
  const deadline = Date.now() + (options.startupTimeoutMs ?? 0)
  for (;;) {
    try {
      const pool = await createPool(url, {
        connectionTimeout: 2000,
        connectionRetryLimit: 1,
        driverFactory: withQueryTimeout(createPgDriverFactory(), queryTimeoutMs),
        gracefulTerminationTimeout: 200,
        idleTimeout: 60_000,
        idleInTransactionSessionTimeout: 10_000,
        interceptors: [prepareStatements(), validateRows],
        maxPoolSize: options.size,
        // The default, DISCARD ALL after every use, costs a round trip; nothing here changes a session.
        resetConnection: async () => {},
        statementTimeout: queryTimeoutMs,
        typeParsers: [int8],
      })
      return withConnectionLimit(pool, options.size, queryTimeoutMs)
    } catch (error) {
      if (Date.now() >= deadline) throw error
      options.onWait?.(error instanceof Error ? error.message || error.name : String(error))
      await pause(500)
    }
  }
}

/** Slonik's own queue for connections has no limit of time. */
function withConnectionLimit(pool: DatabasePool, size: number, waitTimeoutMs: number): Database {
  const semaphore = createSemaphore(size)
  let diskFullAt = Number.NEGATIVE_INFINITY
  const limit = (method: (typeof poolMethods)[number]) => {
    const work = pool[method] as (...values: unknown[]) => Promise<unknown>
    return async (...values: unknown[]) => {
      if (!(await semaphore.acquire(waitTimeoutMs)))
        throw new PoolTimeout(`no connection was free within ${waitTimeoutMs} ms`)
      try {
        return await work(...values)
      } catch (error) {
        if (classifyStoreError(error) === 'disk_full') diskFullAt = performance.now()
        throw error
      } finally {
        semaphore.release()
      }
    }
  }
  const limited = Object.fromEntries(poolMethods.map((method) => [method, limit(method)]))
  const isDiskFull = () => performance.now() - diskFullAt < diskFullReportMs
  return { ...limited, isDiskFull, end: () => pool.end() } as unknown as Database
}

/**
 * Each statement is parsed and planned once a connection instead of at every use: the view behind one deployment costs more
 * to plan than to read. Our statements are a few dozen texts; should some be made of values after all, they stay unnamed.
 */
function prepareStatements(): Interceptor {
  const names = new Map<string, string>()
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text)
    if (known !== undefined || names.size >= 500) return known
    const name = createHash('sha1').update(text).digest('hex')
    names.set(text, name)
    return name
  }
  return {
    name: 'plan once',
    transformQuery: (_, query) => {
      const name = nameOf(query.sql)
      return name === undefined ? query : { ...query, name }
    },
  }
}

const validateRows: Interceptor = {
  name: 'check rows',
  transformRow: ({ resultParser }, query, row) => {
    if (resultParser === undefined) return row
    const result = resultParser['~standard'].validate(row)
    if (result instanceof Promise) throw new TypeError('row schemas must be synchronous')
    if (result.issues) {
      const where = result.issues.map((issue) => `${issue.path?.join('.')}: ${issue.message}`).join('; ')
      throw new Error(`a row has not the promised shape (${where}): ${query.sql}`)
    }
    return result.value as typeof row
  },
}

/**
 * A black-holed connection never answers and PostgreSQL's own statement_timeout cannot help. After the deadline the
 * connection counts as terminated: slonik then skips the ROLLBACK and replaces it.
 */
function withQueryTimeout(factory: DriverFactory, queryTimeoutMs: number): DriverFactory {
  return async (setup) => {
    const driver = await factory(setup)
    return {
      createClient: async () => {
        const client = await driver.createClient()
        let terminated: BackendTerminatedError | null = null
        return {
          ...client,
          query: async (...query) => {
            if (terminated) throw terminated
            return withTimeout(client.query(...query), queryTimeoutMs + 250, () => {
              terminated = new BackendTerminatedError(
                new QueryTimeout(`PostgreSQL did not answer in ${queryTimeoutMs} ms`),
              )
              throw terminated
            })
          },
        }
      },
    }
  }
}
