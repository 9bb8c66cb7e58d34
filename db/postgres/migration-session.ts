/**
 * The session of a migration. Its lock and its settings must stay in it, so a pooler may give it only a session of its own.
 * Called by db/run-migrations.ts.
 */
import type pg from 'pg'
import { sessionSettingsStatement } from '../session-settings.ts'
import type { Connector } from './connect.ts'
import { setUpSession } from './driver.ts'
import { UnusableDatabase } from './unusable-database.ts'

/** Throws UnusableDatabase behind a pooler that gives each transaction another session. */
export async function setUpMigrationSession(client: pg.Client, connector: Connector): Promise<void> {
  if (await setUpSession(client)) return
  if (await isSessionShared(client, connector))
    throw new UnusableDatabase(
      (setting) =>
        `${setting}: the pooler gives each transaction another session, and a migration needs one of its own; set MIGRATION_DATABASE_URL to the address of PostgreSQL itself.`,
    )
  await client.query(sessionSettingsStatement())
}

/** How often a client asks. Other clients of the pooler may take the session in between. */
const attempts = 10

/** While the first client is idle, a shared session goes to the second one. */
async function isSessionShared(client: pg.Client, connector: Connector): Promise<boolean> {
  const processId = await readProcessId(client)
  const second = await connector.connect()
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await second.query('begin')
      const isTaken = (await readProcessId(second)) === processId
      await second.query('rollback')
      if (isTaken || (await readProcessId(client)) !== processId) return true
    }
    return false
  } finally {
    await second.end()
  }
}

async function readProcessId(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ id: number }>('select pg_backend_pid() as id')
  return rows[0]?.id ?? 0
}
