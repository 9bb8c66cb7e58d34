/**
 * Starts the embedded Redis on 127.0.0.1, with a stored password and without eviction of keys. `dataDir` contains
 * `redis.conf`, `password` and the files of Redis. Called by datastores.ts and the tests.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Redis } from 'ioredis'
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'
import { ProgramStartError, startProgram } from '../../../lib/node/start-program.ts'
import { persistedSecret } from '../persisted-secret.ts'
import type { Datastore } from '../postgres/postgres.ts'
import { UserError } from '../user-error.ts'
import { findOrInstallRedis } from './redis-binary.ts'

type Options = {
  dataDir: string
  port: number
  log: (line: string) => void
  /** Gets a message if Redis must be installed first, which takes a while. */
  print?: (line: string) => void
  /** For tests: stores nothing on disk. */
  fast?: boolean
  /** For tests: more lines of redis.conf. */
  config?: string[]
  onSpawn?: (program: RunningProgram) => void
}

/** @throws UserError when Redis does not start */
export async function startRedis({
  port,
  log,
  print,
  fast = false,
  config: moreConfig = [],
  onSpawn,
  ...options
}: Options): Promise<Datastore> {
  const dataDir = resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const binary = await findOrInstallRedis(join(dataDir, 'program'), log, print)
  const password = persistedSecret(join(dataDir, 'password'))
  // The password is in a file, because all users of the machine can read arguments.
  const config = join(dataDir, 'redis.conf')
  writeFileSync(config, configuration({ dataDir, port, password, fast, moreConfig }), { mode: 0o600 })

  const url = `redis://:${password}@127.0.0.1:${port}/0`
  const program = await startProgram({
    name: 'Redis',
    file: binary,
    args: [config],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stopSequence: [{ signal: 'SIGTERM', waitMs: 10_000 }],
    onLine: log,
    onSpawn,
    isReady: () => respondsToPing(url),
  }).catch((error) => {
    if (!(error instanceof ProgramStartError)) throw error
    const line = error.program.lastLines().at(-1) ?? error.failure
    throw new UserError(
      `Redis did not start on ${dataDir}: ${line.replace(/^\d+:\w .*? [#*.-] /, '')}. If its files are damaged, move the folder ` +
        'away and start again: PostgreSQL has all data.',
    )
  })
  return {
    url,
    program,
    stop: async () => void (await program.stop()),
  }
}

function configuration(options: {
  dataDir: string
  port: number
  password: string
  fast: boolean
  moreConfig: string[]
}): string {
  return `${[
    'bind 127.0.0.1',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir ${JSON.stringify(options.dataDir)}`,
    'daemonize no',
    // BullMQ stores its jobs here, so full memory must cause an error, not a silent loss.
    'maxmemory-policy noeviction',
    `appendonly ${options.fast ? 'no' : 'yes'}`,
    'save ""',
    'databases 16',
    ...options.moreConfig,
  ].join('\n')}\n`
}

/** While Redis loads its file it refuses the command. */
async function respondsToPing(url: string): Promise<boolean> {
  const options = { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null }
  const redis = new Redis(url, { ...options, connectTimeout: 2_000, commandTimeout: 2_000 })
  // The rejection says it too.
  redis.on('error', () => {})
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
