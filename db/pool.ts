/**
 * The connection pool: slonik, with rows validated by zod, a time limit for each query and for each wait for a
 * connection, and a start that waits for PostgreSQL. Opened by server and runner and passed to every query function.
 */

import { createHash } from 'node:crypto'
import {
  BackendTerminatedError,
  createPool,
  type DatabasePool,
  type DatabaseTransactionConnection,
  type DriverFactory,
  type Interceptor,
  sql,
} from 'slonik'
import { delay } from '../lib/delay.ts'
import { createSemaphore } from '../lib/semaphore.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import { classifyStoreError, errorChain, hasTooManyConnections, PoolTimeout, QueryTimeout } from './errors.ts'
import { explain } from './postgres/connect.ts'
import { createDriver } from './postgres/driver.ts'
import { UnusableDatabase } from './postgres/unusable-database.ts'

const poolMethods = [
  'any',
  'anyFirst',
  'connect',
  'exists',
  'maybeOne',
  'maybeOneFirst',
  'one',
  'oneFirst',
  'query',
  'transaction',
] as const
export type Database = Pick<DatabasePool, (typeof poolMethods)[number] | 'end'> & {
  /** True if a write failed in the last 30 seconds because PostgreSQL's disk is full. */
  isDiskFull(): boolean
}
/** A successful write does not reset the report; it expires. */
const diskFullReportMs = 30_000
const connectTimeoutMs = 2000
const idleInTransactionTimeoutMs = 10_000
export type Transaction = DatabaseTransactionConnection

/** After this time a query has failed for its caller. */
export const defaultQueryTimeoutMs = 3000

export type PoolOptions = {
  size: number
  /**
   * Limits one statement, whose connection is then closed, and the wait for a connection: a query must not run after
   * its caller has given up.
   */
  queryTimeoutMs?: number
  /** How long the start waits for PostgreSQL. */
  startupTimeoutMs?: number
  /** Part of the start: its errors are retried too. */
  check?: (pool: Database) => Promise<void>
  /** Called before each retry with the error message of the last attempt. */
  onWait?: (message: string) => void
}

/**
 * Connects, and retries for `startupTimeoutMs` while PostgreSQL is unreachable. Then throws the error of the last
 * attempt. Throws UnusableDatabase at once when no wait helps.
 */
export async function openPool(url: string, options: PoolOptions): Promise<Database> {
  const queryTimeoutMs = options.queryTimeoutMs ?? defaultQueryTimeoutMs
  const deadline = Date.now() + (options.startupTimeoutMs ?? 0)
  const driver = createDriver(url, {
    connectTimeoutMs,
    timeouts: {
      statement_timeout: queryTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    },
  })
  for (;;) {
    let pool: DatabasePool | undefined
    try {
      pool = await createPool(url, {
        connectionRetryLimit: 1,
        driverFactory: withQueryTimeout(driver, queryTimeoutMs),
        gracefulTerminationTimeout: 200,
        idleTimeout: 60_000,
        // The driver sets them, with the rest.
        idleInTransactionSessionTimeout: 'DISABLE_TIMEOUT',
        statementTimeout: 'DISABLE_TIMEOUT',
        interceptors: [prepareStatements(), validateRows],
        maxPoolSize: options.size,
        // The default, DISCARD ALL after each use, costs a round trip. No query here changes the session.
        resetConnection: async () => {},
      })
      // Also finds out whether the pooler allows transactions.
      await pool.transaction((transaction) => transaction.query(sql.unsafe`select 1`))
      const limited = withConnectionLimit(pool, options.size, queryTimeoutMs)
      await options.check?.(limited)
      return limited
    } catch (error) {
      await pool?.end()
      const unusable = errorChain(error)
        .map((one) => explain(one))
        .find((one) => one instanceof UnusableDatabase)
      if (unusable !== undefined) throw unusable
      if (Date.now() >= deadline) throw error
      options.onWait?.(error instanceof Error ? error.message || error.name : String(error))
      await delay(500)
    }
  }
}

/** Slonik's own queue for connections has no time limit. */
function withConnectionLimit(pool: DatabasePool, size: number, waitTimeoutMs: number): Database {
  const semaphore = createSemaphore(size)
  let diskFullAt = Number.NEGATIVE_INFINITY
  const limit = (method: (typeof poolMethods)[number]) => {
    const work = pool[method] as (...values: unknown[]) => Promise<unknown>
    return async (...values: unknown[]) => {
      if (!(await semaphore.acquire(waitTimeoutMs)))
        throw new PoolTimeout(`no connection was free within ${waitTimeoutMs} ms`)
      try {
        return await waitForConnection(() => work(...values), waitTimeoutMs)
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
 * Where PostgreSQL allows fewer connections than the pool, an open one is soon free. A query without a connection was not
 * sent, so it may be sent again.
 */
async function waitForConnection<T>(work: () => Promise<T>, waitTimeoutMs: number): Promise<T> {
  const giveUpAt = performance.now() + waitTimeoutMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!hasTooManyConnections(error) || performance.now() >= giveUpAt) throw error
      await delay(100 + Math.random() * 100)
    }
  }
}

/**
 * Names each statement, so that PostgreSQL parses and plans it once per connection: the view of one deployment takes
 * longer to plan than to read. There are a few dozen statement texts; beyond 500 they stay unnamed.
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
    name: 'prepare statements',
    transformQuery: (_, query) => {
      const name = nameOf(query.sql)
      return name === undefined ? query : { ...query, name }
    },
  }
}

const validateRows: Interceptor = {
  name: 'validate rows',
  transformRow: ({ resultParser }, query, row) => {
    if (resultParser === undefined) return row
    const result = resultParser['~standard'].validate(row)
    if (result instanceof Promise) throw new TypeError('row schemas must be synchronous')
    if (result.issues) {
      const where = result.issues.map((issue) => `${issue.path?.join('.')}: ${issue.message}`).join('; ')
      throw new Error(`a row does not match its schema (${where}): ${query.sql}`)
    }
    return result.value as typeof row
  },
}

/**
 * Ends queries on a connection whose network is gone; PostgreSQL's statement_timeout cannot reach such a client. After
 * the time limit the connection counts as terminated, so slonik skips the ROLLBACK and replaces it.
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
            const terminate = (cause: Error): never => {
              terminated = new BackendTerminatedError(cause)
              throw terminated
            }
            const answer = client.query(...query).catch((error) => {
              // A standby that was the primary before. A new connection may reach the new primary.
              if (error.code === '25006') terminate(error)
              throw error
            })
            return withTimeout(answer, queryTimeoutMs + 250, () =>
              terminate(new QueryTimeout(`PostgreSQL did not answer in ${queryTimeoutMs} ms`)),
            )
          },
        }
      },
    }
  }
}
