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
import { NoAnswerInTime, NoConnection, troubleOf } from './errors.ts'
import { createSlots } from './slots.ts'

const methods = [
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
export type Database = Pick<DatabasePool, (typeof methods)[number] | 'end'> & {
  /** Whether something could not be stored a moment ago because the disk of PostgreSQL is full. */
  full(): boolean
}
/** How long that counts: what can be stored again is noticed by storing it. */
const fullMs = 30_000
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
  patienceMs?: number
  onWait?: (words: string) => void
}

/** Connects, waiting `patienceMs` for a PostgreSQL that is not up yet; then throws what the last try threw. */
export async function openPool(url: string, options: PoolOptions): Promise<Database> {
  const queryTimeoutMs = options.queryTimeoutMs ?? 3000
  const until = Date.now() + (options.patienceMs ?? 0)
  for (;;) {
    try {
      const pool = await createPool(url, {
        connectionTimeout: 2000,
        connectionRetryLimit: 1,
        driverFactory: withDeadline(createPgDriverFactory(), queryTimeoutMs),
        gracefulTerminationTimeout: 200,
        idleTimeout: 60_000,
        idleInTransactionSessionTimeout: 10_000,
        interceptors: [planOnce(), checkRows],
        maxPoolSize: options.size,
        // The default, DISCARD ALL after every use, costs a round trip; nothing here changes a session.
        resetConnection: async () => {},
        statementTimeout: queryTimeoutMs,
        typeParsers: [int8],
      })
      return inTurn(pool, options.size, queryTimeoutMs)
    } catch (error) {
      if (Date.now() >= until) throw error
      options.onWait?.(error instanceof Error ? error.message || error.name : String(error))
      await pause(500)
    }
  }
}

/** Slonik's own queue for connections has no limit of time. */
function inTurn(pool: DatabasePool, size: number, waitMs: number): Database {
  const turns = createSlots(size)
  let fullAt = Number.NEGATIVE_INFINITY
  const bounded = (method: (typeof methods)[number]) => {
    const work = pool[method] as (...values: unknown[]) => Promise<unknown>
    return async (...values: unknown[]) => {
      if (!(await turns.take(waitMs))) throw new NoConnection(`no connection was free within ${waitMs} ms`)
      try {
        return await work(...values)
      } catch (error) {
        if (troubleOf(error) === 'full') fullAt = performance.now()
        throw error
      } finally {
        turns.leave()
      }
    }
  }
  const ours = Object.fromEntries(methods.map((method) => [method, bounded(method)]))
  const full = () => performance.now() - fullAt < fullMs
  return { ...ours, full, end: () => pool.end() } as unknown as Database
}

/**
 * Each statement is parsed and planned once a connection instead of at every use: the view behind one deployment costs more
 * to plan than to read. Our statements are a few dozen texts; should some be made of values after all, they stay unnamed.
 */
function planOnce(): Interceptor {
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

const checkRows: Interceptor = {
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
function withDeadline(factory: DriverFactory, queryTimeoutMs: number): DriverFactory {
  return async (setup) => {
    const driver = await factory(setup)
    return {
      createClient: async () => {
        const client = await driver.createClient()
        let dead: BackendTerminatedError | null = null
        return {
          ...client,
          query: async (...query) => {
            if (dead) throw dead
            let timer: NodeJS.Timeout | undefined
            const deadline = new Promise<never>((_, reject) => {
              timer = setTimeout(() => {
                dead = new BackendTerminatedError(
                  new NoAnswerInTime(`PostgreSQL did not answer in ${queryTimeoutMs} ms`),
                )
                reject(dead)
              }, queryTimeoutMs + 250)
            })
            try {
              return await Promise.race([client.query(...query), deadline])
            } finally {
              clearTimeout(timer)
            }
          },
        }
      },
    }
  }
}
