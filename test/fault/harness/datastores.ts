/** PostgreSQL and Redis of one rig, on ports and in folders of their own, and everything that can happen to them. */
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
  /** Ends it without asking, as a crash does. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** On the same port, with the data that were there. */
  start(): Promise<void>
  pause(): void
  resume(): void
}
export type Datastores = {
  /** The address of the migrated database. */
  postgres: ManagedStore
  redis: ManagedStore & { flush(): Promise<void> }
  /** Starts whatever is down, wakes whatever is paused. */
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
  // What counts here is that PostgreSQL may be killed, not the machine: no commit waits for the disk.
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
  const begin = async () => {
    await assertPortFree(port)
    const engine = await start({ dataDir, port, log: () => {} })
    engine.program.exited.then(() => {
      if (running === engine) running = null
    })
    return engine
  }
  let running: Datastore | null = null
  const first = await begin()
  running = first
  const signal = (name: NodeJS.Signals) => {
    if (running !== null) process.kill(running.program.pid, name)
  }
  return {
    url: first.url,
    kill: async () => {
      const engine = running
      if (engine === null) return
      process.kill(engine.program.pid, 'SIGKILL')
      await engine.program.exited
    },
    stop: async () => running?.stop(),
    start: async () => {
      if (running !== null) return
      // Whoever lost its postmaster needs a moment to leave the shared memory.
      for (let tries = 1; running === null; tries += 1)
        running = await begin().catch(async (error) => {
          if (tries === 5) throw error
          await sleep(300)
          return null
        })
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}

/** Nothing of somebody else's is ever broken: where a port answers already, the rig does not start. */
export async function assertPortFree(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  const taken = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  if (taken) throw new Error(`port ${port} answers already: the fault suite starts only on ports of its own`)
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  await redis.connect()
  await redis.flushall()
  redis.disconnect()
}
