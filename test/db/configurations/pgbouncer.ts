/** A pgbouncer of one test in front of the PostgreSQL of all tests, or of another one. */
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresAccount } from '../../../infra/dev/postgres/postgres-account.ts'
import { freePort, portError } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import { findProgram } from './installed.ts'

export type Pgbouncer = {
  /** `url` through pgbouncer. */
  through(url: string): string
  stop(): Promise<void>
}

export type PgbouncerOptions = {
  poolMode: 'session' | 'transaction' | 'statement'
  /** Connections to PostgreSQL for each user and database. */
  poolSize?: number
  /** More lines of the section [pgbouncer]. */
  settings?: string[]
}

/** `url`: PostgreSQL, with a user that all clients have. */
export async function startPgbouncer(url: string, options: PgbouncerOptions): Promise<Pgbouncer> {
  const { hostname, port: postgresPort, username, password } = new URL(url)
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'octopod-pgbouncer-'))
  await chmod(dir, 0o755)
  const users = join(dir, 'users')
  await writeFile(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`, {
    mode: 0o600,
  })
  const config = join(dir, 'pgbouncer.ini')
  const settings = [
    `listen_addr = 127.0.0.1`,
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${users}`,
    `pool_mode = ${options.poolMode}`,
    `default_pool_size = ${options.poolSize ?? 20}`,
    ...(options.settings ?? []),
  ]
  await writeFile(
    config,
    `[databases]\n* = host=${hostname} port=${postgresPort}\n[pgbouncer]\n${settings.join('\n')}\n`,
  )
  // pgbouncer refuses to run as root.
  const { spawnAs } = postgresAccount(dir, dir)
  if (spawnAs !== null) for (const file of [users, config]) await chown(file, spawnAs.uid, spawnAs.gid)
  const program = await startProgram({
    name: 'pgbouncer',
    file: findProgram('pgbouncer') ?? 'pgbouncer',
    args: [config],
    env: { LC_ALL: 'C' },
    uid: spawnAs?.uid,
    gid: spawnAs?.gid,
    // SIGTERM ends it at once in this version, SIGINT waits for clients.
    stopSequence: [{ signal: 'SIGTERM', waitMs: 5000 }],
    onLine: () => {},
    isReady: async () => (await portError(port)) === 'EADDRINUSE',
  })
  return {
    through: (to) => {
      const address = new URL(to)
      address.host = `127.0.0.1:${port}`
      return address.href
    },
    stop: async () => {
      await program.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
