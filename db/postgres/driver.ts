/**
 * Slonik's driver over pg. Its connections lead to PostgreSQL, or to a pooler that may give each transaction another
 * session of PostgreSQL (pgbouncer with pool_mode=transaction). Behind a pooler nothing may stay in the session: each
 * transaction brings its settings along, and no statement is named. Called by db/pool.ts.
 */
import pg from 'pg'
import {
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  createDriverFactory,
  type DriverCommand,
  type DriverFactory,
  type DriverQueryResult,
  IdleTransactionTimeoutError,
  UniqueIntegrityConstraintViolationError,
} from 'slonik'
import {
  type SessionTimeouts,
  sessionSettingsStatement,
  transactionSettingsStatement,
} from '../session-settings.ts'
import { type ConnectorOptions, createConnector } from './connect.ts'
import { QueryWithSettings } from './query-with-settings.ts'

export type DriverOptions = Pick<ConnectorOptions, 'connectTimeoutMs'> & { timeouts: SessionTimeouts }

/** Throws UnusableDatabase when a file that the URL names cannot be read. */
export function createDriver(url: string, { connectTimeoutMs, timeouts }: DriverOptions): DriverFactory {
  const connector = createConnector(url, { connectTimeoutMs, types })
  // A pooler that hides itself shows by statements that another session has prepared.
  let hasHiddenPooler = false
  return createDriverFactory(async () => ({
    createPoolClient: async ({ clientEventEmitter }) => {
      let client: pg.Client
      let isPooled = false
      return {
        connect: async () => {
          client = await connector.connect()
          client.on('error', (error) => void clientEventEmitter.emit('error', wrapError(error)))
          try {
            isPooled = hasHiddenPooler || !(await setUpSession(client, timeouts))
          } catch (error) {
            await client.end().catch(() => {})
            throw error
          }
        },
        end: () => client.end(),
        query: async (text, values = [], options) => {
          try {
            if (isPooled) return toDriverResult(await queryPooled(client, text, values, timeouts))
            return toDriverResult(await client.query(extended({ text, values, name: options?.name })))
          } catch (error) {
            if (!isPreparedElsewhere(error)) throw wrapError(error)
            hasHiddenPooler = true
            throw new BackendTerminatedError(error)
          }
        },
        stream: () => {
          throw new Error('streams are not used')
        },
      }
    },
  }))
}

/**
 * Sets the settings, unless the session belongs to a pooler. A pooler sends the client another process id than that of PostgreSQL. Returns
 * whether they are set. Also used by migration-session.ts.
 */
export async function setUpSession(client: pg.Client, timeouts: SessionTimeouts = {}): Promise<boolean> {
  const { processID } = client as unknown as { processID: number | null }
  const { rowCount } = await client.query(sessionSettingsStatement(timeouts, processID ?? 0))
  return (rowCount ?? 0) > 0
}

async function queryPooled(
  client: pg.Client,
  text: string,
  values: unknown[],
  timeouts: SessionTimeouts,
): Promise<pg.QueryResult> {
  const settings = transactionSettingsStatement(timeouts)
  // Slonik begins its transactions with these words. Two statements without values are one message.
  if (text === 'START TRANSACTION') {
    const results = (await client.query(`${text} isolation level read committed; ${settings}`)) as unknown
    return (results as pg.QueryResult[])[0] as pg.QueryResult
  }
  if (client.getTransactionStatus() !== 'I') return client.query(extended({ text, values }))
  return new Promise((resolve, reject) => {
    client.query(
      new QueryWithSettings(settings, { text, values }, (error, result) =>
        error ? reject(error) : resolve(result),
      ),
    )
  })
}

/** The declared type lacks `queryMode`. Without it, pg sends a statement without values by the simple protocol. */
const extended = (query: { text: string; values: unknown[]; name?: string | undefined }) =>
  ({ ...query, queryMode: 'extended' }) as pg.QueryConfig

const toDriverResult = ({ command, fields, rowCount, rows }: pg.QueryResult): DriverQueryResult => ({
  command: command as DriverCommand,
  fields: fields.map(({ dataTypeID, name }) => ({ dataTypeId: dataTypeID, name })),
  rowCount,
  rows,
})

/** 26000: a statement of that name does not exist; 42P05: it exists already. */
const isPreparedElsewhere = (error: unknown): error is Error =>
  error instanceof Error && /^(26000|42P05)$/.test((error as { code?: string }).code ?? '')

type UniqueViolation = ConstructorParameters<typeof UniqueIntegrityConstraintViolationError>[0]

/** The errors whose classes slonik or db/errors.ts need. */
function wrapError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const { code, message } = error as Error & { code?: string }
  if (/connection terminated unexpectedly/i.test(message))
    return new BackendTerminatedUnexpectedlyError(error)
  if (/connection terminated/i.test(message) || code === '57P01') return new BackendTerminatedError(error)
  if (code === '25P03') return new IdleTransactionTimeoutError(error)
  if (code === '23505') return new UniqueIntegrityConstraintViolationError(error as object as UniqueViolation)
  return error
}

/** Ids, counts and revisions stay far below 2^53. A greater value throws instead of losing digits. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint outside the safe integer range: ${text}`)
  return value
}

const textArrayOid = 1009
const int8ArrayOid = 1016
const parseTextArray = pg.types.getTypeParser(textArrayOid as number) as (text: string) => string[]
const int8Parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, parseInt8],
  [int8ArrayOid, (text) => parseTextArray(text).map(parseInt8)],
])
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number) => int8Parsers.get(oid) ?? pg.types.getTypeParser(oid),
} as pg.CustomTypesConfig
