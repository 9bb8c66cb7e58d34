/** Brings a database up to date: numbered SQL files, forward only, safe when run twice and by many at once. */
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'

const folder = fileURLToPath(new URL('migrations', import.meta.url))

/**
 * Runs the migrations that are missing, all in one transaction, one process at a time (an advisory lock).
 * An Octopod 1.6 database is upgraded in place. Returns the names of those that ran.
 */
export async function migrate(
  databaseUrl: string,
  log: (line: string) => void = () => {},
): Promise<string[]> {
  const done = await runner({
    databaseUrl: { connectionString: databaseUrl, connectionTimeoutMillis: 5000 },
    dir: folder,
    direction: 'up',
    singleTransaction: true,
    migrationsTable: 'migrations',
    advisoryLockMode: 'wait',
    // An error is thrown too: told once is enough.
    logger: { debug: () => {}, info: () => {}, warn: log, error: () => {} },
  })
  return done.map((migration) => migration.name)
}
