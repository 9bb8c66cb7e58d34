/**
 * PostgreSQL and Redis of one fault test, on ports and in folders of their own, and the faults of both.
 * Called by cluster.ts.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { runMigrations } from '../../../db/run-migrations.ts'
import { type Datastore, ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { startRedis } from '../../../infra/dev/redis/redis.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { startPgbouncer } from '../../db/configurations/pgbouncer.ts'
import { documentedRedisUser } from '../../db/configurations/redis-server.ts'

export type ManagedStore = {
  url: string
  /** Kills it with SIGKILL, like a crash. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>
  pause(): void
  resume(): void
}
export type Datastores = {
  /** `url` is the address of the migrated database. */
  postgres: ManagedStore
  redis: ManagedStore & { flush(): Promise<void> }
  /** What servers and runners connect to: with StoreOptions not the same as the harness. */
  programUrls: { postgres: string; redis: string }
  /** Starts each that is down, and resumes each that is paused. */
  restoreAll(): Promise<void>
  stop(): Promise<void>
}

export type StoreOptions = {
  /** Servers and runners reach PostgreSQL through pgbouncer with pool_mode=transaction. */
  usesPgbouncer?: boolean
  /** Servers and runners are a Redis user with the rights of docs/install.md for this prefix, and no others. */
  restrictedRedisPrefix?: string
}

export async function startDatastores(folder: string, options: StoreOptions = {}): Promise<Datastores> {
  const { usesPgbouncer = false, restrictedRedisPrefix } = options
  const config = restrictedRedisPrefix === undefined ? [] : [await documentedRedisUser(restrictedRedisPrefix)]
  const postgres = await createStore(folder, 'postgres', startPostgres)
  const startConfiguredRedis: Start = (to) => startRedis({ ...to, config })
  const redis = await createStore(folder, 'redis', startConfiguredRedis).catch(async (error) => {
    await postgres.stop()
    throw error
  })
  const database = await ensureDatabase(postgres.url, 'octopod')
  // The tests kill PostgreSQL, not the machine, so no commit needs to wait for the disk.
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query('alter system set fsync = off')
  await client.query('select pg_reload_conf()')
  await client.end()
  await runMigrations(database)
  const pgbouncer = usesPgbouncer
    ? await startPgbouncer(database, {
        poolMode: 'transaction',
        // As docs/install.md says: by default pgbouncer asks a PostgreSQL that has refused only after 15 s again.
        settings: ['server_login_retry = 1'],
      })
    : null
  const redisUrl = new URL(redis.url)
  if (restrictedRedisPrefix !== undefined) {
    redisUrl.username = 'octopod'
    redisUrl.password = 'PASSWORD'
  }
  return {
    postgres: { ...postgres, url: database },
    programUrls: { postgres: pgbouncer?.through(database) ?? database, redis: redisUrl.href },
    redis: { ...redis, flush: () => flush(redis.url) },
    restoreAll: async () => {
      for (const store of [postgres, redis]) {
        store.resume()
        await store.start()
      }
    },
    stop: async () => {
      await pgbouncer?.stop()
      for (const store of [redis, postgres]) {
        store.resume()
        await store.stop()
      }
    },
  }
}

type Start = (options: { dataDir: string; port: number; log: () => void }) => Promise<Datastore>

async function createStore(folder: string, name: string, start: Start): Promise<ManagedStore> {
  const port = await freePort()
  const dataDir = join(folder, name)
  const startOnce = async () => {
    await assertPortFree(port)
    const datastore = await start({ dataDir, port, log: () => {} })
    void datastore.program.exited.then(() => {
      if (running === datastore) running = null
    })
    return datastore
  }
  let running: Datastore | null = null
  const first = await startOnce()
  running = first
  const signal = (name: NodeJS.Signals) => {
    if (running !== null) process.kill(running.program.pid, name)
  }
  return {
    url: first.url,
    kill: async () => {
      const datastore = running
      if (datastore === null) return
      process.kill(datastore.program.pid, 'SIGKILL')
      await datastore.program.exited
    },
    stop: async () => running?.stop(),
    start: async () => {
      if (running !== null) return
      // Backends that lost their postmaster need a moment to leave the shared memory.
      for (let tries = 1; running === null; tries += 1)
        running = await startOnce().catch(async (error) => {
          if (tries === 5) throw error
          await sleep(300)
          return null
        })
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}

/** Protects the programs of other people: throws when something listens on the port already. */
export async function assertPortFree(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  const taken = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  if (taken) throw new Error(`port ${port} is in use: the fault tests start only on free ports`)
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  await redis.connect()
  await redis.flushall()
  redis.disconnect()
}
