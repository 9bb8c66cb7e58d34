/**
 * Starts the embedded PostgreSQL on 127.0.0.1. The first start creates the data folder. `dataDir` contains `data` (the
 * cluster) and `password`. Called by datastores.ts and the tests.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { describeExit, type RunningProgram, spawnProgram } from '../../../lib/node/spawn-program.ts'
import { ProgramStartError, startProgram } from '../../../lib/node/start-program.ts'
import { persistedSecret } from '../persisted-secret.ts'
import { UserError } from '../user-error.ts'
import { type Account, postgresAccount } from './postgres-account.ts'
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts'
import { removeStaleLock } from './postgres-lock.ts'

/** `url`: the maintenance database, as superuser. */
export type Datastore = { url: string; program: RunningProgram; stop(): Promise<void> }

type Options = {
  dataDir: string
  port: number
  log: (line: string) => void
  /** For tests: faster, but data may be lost in a crash. */
  fast?: boolean
  onSpawn?: (program: RunningProgram) => void
}

const superuser = 'octopod'

/** @throws UserError when PostgreSQL does not start */
export async function startPostgres(options: Options): Promise<Datastore> {
  const { port, log } = options
  const dataDir = resolve(options.dataDir)
  // 1. Prepare programs, account and cluster.
  const binaries = postgresBinaries()
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  const password = persistedSecret(join(dataDir, 'password'))
  const cluster = join(dataDir, 'data')
  const account = postgresAccount(cluster, binaries.folder)
  if (!existsSync(cluster))
    await initializeCluster({ ...options, dataDir, cluster, password, binaries, account })
  checkVersion(cluster, binaries)
  removeStaleLock(cluster)

  // 2. Start the process and wait until it accepts connections.
  const program = await startProgram({
    name: 'PostgreSQL',
    ...commandLine(account, binaries.postgres, [
      '-D',
      cluster,
      '-p',
      String(port),
      ...serverOptions(options.fast),
    ]),
    env: postgresEnvironment(),
    // SIGINT is a fast shutdown: it closes connections and writes all data. SIGQUIT ends at once; the next start
    // recovers.
    stopSequence: [
      { signal: 'SIGINT', waitMs: 20_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
    ],
    onLine: log,
    onSpawn: options.onSpawn,
    isReady: ({ pid }) => isReady(cluster, pid),
  }).catch((error) => {
    if (!(error instanceof ProgramStartError)) throw error
    throw new UserError(
      `PostgreSQL did not start on ${cluster}: ${failureReason(error.program, error.failure)}. If its files are ` +
        'damaged, restore a copy, or move the folder away to start with an empty database.',
    )
  })

  // 3. Test the password.
  const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
  try {
    await query(url, 'select 1')
  } catch (error) {
    await program.stop()
    throw new UserError(
      `PostgreSQL on ${cluster} rejects the password in ${join(dataDir, 'password')}: ${(error as Error).message}.`,
    )
  }
  return { url, program, stop: async () => void (await program.stop()) }
}

/** Creates `database` if it does not exist. → its URL */
export async function ensureDatabase(url: string, database: string): Promise<string> {
  const existing = await query(url, `select 1 from pg_database where datname = ${pg.escapeLiteral(database)}`)
  if (existing === 0) await query(url, `create database ${pg.escapeIdentifier(database)}`)
  const address = new URL(url)
  address.pathname = `/${database}`
  return address.href
}

async function query(url: string, statement: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return (await client.query(statement)).rowCount ?? 0
  } finally {
    await client.end()
  }
}

/** Creates the cluster under a temporary name, so that an interrupted initdb does not look like a cluster. */
async function initializeCluster(
  options: Options & { cluster: string; password: string; binaries: PostgresBinaries; account: Account },
): Promise<void> {
  const { cluster, account, dataDir } = options
  const tempCluster = `${cluster}.new`
  const passwordFile = join(dataDir, 'password.initdb')
  rmSync(tempCluster, { recursive: true, force: true })
  mkdirSync(tempCluster, { mode: 0o700 })
  writeFileSync(passwordFile, options.password, { mode: 0o600 })
  if (account.owner !== null) {
    for (const path of [tempCluster, passwordFile]) chownSync(path, account.owner.uid, account.owner.gid)
  }
  try {
    const program = spawnProgram({
      name: 'initdb',
      ...commandLine(account, options.binaries.initdb, [
        ...['-D', tempCluster, `--username=${superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        // The sort order is the same on every machine, independent of its locales.
        ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
        ...(options.fast ? ['--no-sync'] : []),
      ]),
      env: postgresEnvironment(),
      onLine: options.log,
      onSpawn: options.onSpawn,
    })
    const exit = await program.exited
    if (exit.code !== 0) {
      throw new UserError(
        `PostgreSQL cannot create its data folder ${cluster}: ${failureReason(program, describeExit(exit))}`,
      )
    }
    renameSync(tempCluster, cluster)
  } finally {
    rmSync(passwordFile, { force: true })
    rmSync(tempCluster, { recursive: true, force: true })
  }
}

function checkVersion(cluster: string, { major }: PostgresBinaries): void {
  let version: string
  try {
    version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
  } catch {
    throw new UserError(
      `${cluster} is not a PostgreSQL data folder, or it is damaged (PG_VERSION cannot be read): restore a copy, ` +
        'or move it away to start with an empty database.',
    )
  }
  if (version !== major) {
    throw new UserError(
      `${cluster} was created by PostgreSQL ${version}, and this is PostgreSQL ${major}: dump it with the old version ` +
        'and load it into a new one, or move the folder away to start empty.',
    )
  }
}

function serverOptions(fast = false): string[] {
  const settings = [
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'],
    ...(fast ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_level=minimal'] : []),
    ...(fast ? ['max_wal_senders=0', 'autovacuum=off', 'jit=off', 'max_connections=400'] : []),
  ]
  return settings.flatMap((setting) => ['-c', setting])
}

function commandLine(account: Account, file: string, args: string[]) {
  const [first, ...rest] = [...account.commandPrefix, file, ...args]
  return { file: first ?? file, args: rest, cwd: '/', uid: account.spawnAs?.uid, gid: account.spawnAs?.gid }
}

/** PostgreSQL gets none of this process's variables (PGDATA, PGPORT, secrets). Its messages are English. */
function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
}

/** Line 1 of postmaster.pid is the process id, line 8 is the state. A standby answers reads. */
function isReady(cluster: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    return lines[0] === String(pid) && /^(ready|standby)\s*$/.test(lines[7] ?? '')
  } catch {
    return false
  }
}

/** The last error line of the output. */
function failureReason(program: RunningProgram, fallback: string): string {
  const lines = program.lastLines()
  const line = lines.findLast((text) => /FATAL|PANIC|error:/.test(text)) ?? lines.at(-1)
  return line?.replace(/^.*?(FATAL|PANIC|error):\s*/, '') ?? fallback
}
