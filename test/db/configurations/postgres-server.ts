/** A PostgreSQL of one test, whose settings and rules for clients the test changes. */
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { withDatabase } from '../../helpers/with-database.ts'

export type PostgresServer = {
  /** An empty database, as superuser. */
  url: string
  /** Sets settings and reads them and the rules again. */
  configure(settings: Record<string, string>, hbaRules?: string[]): Promise<void>
  /** Copies a file into the data folder; returns its name there. */
  copyIn(file: string, name: string): string
  /** Starts it again as a standby without a primary, which is what a primary is after a failover. */
  becomeStandby(): Promise<void>
  promote(): Promise<void>
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape
  query(text: string): Promise<any[]>
  stop(): Promise<void>
}

/** `canBeStandby`: with the log that a standby needs. */
export async function startPostgresServer(canBeStandby = false): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'octopod-postgres-'))
  // PostgreSQL may run under another account.
  chmodSync(dir, 0o711)
  const dataDir = join(dir, 'data')
  const port = await freePort()
  const start = () => startPostgres({ dataDir, port, log: () => {}, fast: !canBeStandby })
  let postgres = await start()
  const url = await ensureDatabase(postgres.url, 'octopod')
  const cluster = join(dataDir, 'data')
  const { uid, gid } = statSync(cluster)
  const query = (text: string) => withDatabase(url, async (client) => (await client.query(text)).rows)
  return {
    url,
    query,
    copyIn(file, name) {
      const copy = join(cluster, name)
      copyFileSync(file, copy)
      chmodSync(copy, 0o600)
      chownSync(copy, uid, gid)
      return name
    },
    async becomeStandby() {
      await postgres.stop()
      const signal = join(cluster, 'standby.signal')
      writeFileSync(signal, '')
      chownSync(signal, uid, gid)
      postgres = await start()
    },
    promote: async () => void (await query('select pg_promote()')),
    async configure(settings, hbaRules) {
      for (const [name, value] of Object.entries(settings))
        await query(`alter system set ${name} = ${pg.escapeLiteral(value)}`)
      // The superuser always gets in.
      const rules = ['host all octopod 127.0.0.1/32 scram-sha-256', ...(hbaRules ?? [])]
      if (hbaRules !== undefined) writeFileSync(join(cluster, 'pg_hba.conf'), `${rules.join('\n')}\n`)
      await query('select pg_reload_conf()')
    },
    stop: async () => {
      await postgres.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
