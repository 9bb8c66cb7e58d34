/** Brings a database up to date: numbered SQL files, forward only, safe when run twice and by many at once. */
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import pg from 'pg'

const folder = fileURLToPath(new URL('migrations', import.meta.url))

/**
 * Runs the migrations that are missing, all in one transaction, one process at a time (an advisory lock).
 * An Octopod 1.6 database is upgraded in place. Returns the names of those that ran.
 */
export async function runMigrations(
  databaseUrl: string,
  log: (line: string) => void = () => {},
): Promise<string[]> {
  // Our own client: the tool's is still open when it returns, and ends the process if its session is ended meanwhile.
  const dbClient = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  dbClient.on('error', () => {})
  await dbClient.connect()
  try {
    const done = await runner({
      dbClient,
      dir: folder,
      direction: 'up',
      singleTransaction: true,
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      // An error is thrown too: told once is enough.
      logger: { debug: () => {}, info: () => {}, warn: log, error: () => {} },
    })
    return done.map((migration) => migration.name)
  } finally {
    await dbClient.end()
  }
}
