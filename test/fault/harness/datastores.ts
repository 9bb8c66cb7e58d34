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
  /** Starts each that is down, and resumes each that is paused. */
  restoreAll(): Promise<void>
  stop(): Promise<void>
}

export async function startDatastores(folder: string): Promise<Datastores> {
  const postgres = await createStore(folder, 'postgres', startPostgres)
  const redis = await createStore(folder, 'redis', startRedis).catch(async (error) => {
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
  return {
    postgres: { ...postgres, url: database },
    redis: { ...redis, flush: () => flush(redis.url) },
    restoreAll: async () => {
      for (const store of [postgres, redis]) {
        store.resume()
        await store.start()
      }
    },
    stop: async () => {
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
