/** Opens one connection to PostgreSQL. Called by driver.ts and db/run-migrations.ts. */
import pg from 'pg'
import { type DatabaseAddress, readDatabaseUrl } from '../../domain/settings/database-url.ts'
import { adviseOnTls, type Encryption, encryptionsOf } from './tls.ts'
import { UnusableDatabase } from './unusable-database.ts'

export type Connector = {
  /** Its events `error` and `notice` are for the caller, who also ends it. Throws UnusableDatabase. */
  connect(): Promise<pg.Client>
}

export type ConnectorOptions = { connectTimeoutMs: number; types?: pg.CustomTypesConfig }

/** Throws UnusableDatabase when a file that the URL names cannot be read. */
export function createConnector(url: string, options: ConnectorOptions): Connector {
  const address = readDatabaseUrl(url)
  let encryptions = encryptionsOf(address)
  return {
    async connect() {
      for (const [index, encryption] of encryptions.entries()) {
        try {
          const client = await connectOnce(address, encryption, options)
          // What has worked comes first from now on.
          if (index > 0) encryptions = encryptions.toReversed()
          return client
        } catch (error) {
          const isLast = index === encryptions.length - 1
          if (isLast || !mayDependOnTls(error)) throw explain(error)
        }
      }
      throw new Error('no way to connect')
    },
  }
}

async function connectOnce(
  address: DatabaseAddress,
  ssl: Encryption,
  { connectTimeoutMs, types }: ConnectorOptions,
): Promise<pg.Client> {
  const { host, port, database, user, password, applicationName, options } = address
  const client = new pg.Client({
    ...{ host, port, database, user, password, options, ssl, types },
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: applicationName,
    keepAlive: true,
  })
  // pg reports an error of the connection here too, also after the rejection.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    void client.end().catch(() => {})
    throw error
  }
}

/** libpq tries the other way after these: no TLS at the server, a failed handshake, a rule of pg_hba.conf. */
function mayDependOnTls(error: unknown): boolean {
  const { code = '' } = error as { code?: string }
  return code === '28000' || adviseOnTls(error) !== null
}

/** An UnusableDatabase when no wait helps, else the error itself. Also used by db/pool.ts. */
export function explain(error: unknown): unknown {
  const { code, message = '' } = error as { code?: string; message?: string }
  const tls = adviseOnTls(error)
  if (tls !== null) return new UnusableDatabase((setting) => `${setting}: ${tls}.`, error)
  // pgbouncer, which knows only some parameters of the start of a session.
  const parameter = /unsupported startup parameter(?: in options)?: (\w+)/.exec(message)?.[1]
  if (code === '08P01' && parameter !== undefined)
    return new UnusableDatabase(
      (setting) =>
        `${setting}: the pooler refuses the parameter ${parameter}; remove it from the URL and set it for the role instead, e.g. alter role octopod set search_path = staging.`,
      error,
    )
  if (/transaction blocks not allowed in statement pooling mode/.test(message))
    return new UnusableDatabase(
      (setting) =>
        `${setting}: the pooler has pool_mode=statement, which allows no transactions; set pool_mode=transaction.`,
      error,
    )
  return error
}
