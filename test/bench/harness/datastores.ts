/**
 * PostgreSQL and Redis for one run of the bench, with the durability settings of production, and one database
 * for each benchmark.
 */
import { join } from 'node:path'
import pg from 'pg'
import { runMigrations } from '../../../db/run-migrations.ts'
import { ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { startRedis } from '../../../infra/dev/redis/redis.ts'
import { freePort } from '../../../lib/node/ports.ts'

export type Datastores = {
  redisUrl: string
  /** Creates a migrated database and resolves with its address. */
  createDatabase(name: string): Promise<string>
  versions(): Promise<{ postgres: string; redis: string }>
}

const template = 'template_bench'

/** Both stop at the end of the bench. Every commit reaches the disk, as in production. */
export async function startDatastores(
  folder: string,
  onClose: (close: () => Promise<unknown>) => void,
): Promise<Datastores> {
  const log = () => {}
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await freePort(), log })
  onClose(postgres.stop)
  const redis = await startRedis({ dataDir: join(folder, 'redis'), port: await freePort(), log })
  onClose(redis.stop)
  await runMigrations(await ensureDatabase(postgres.url, template))

  return {
    redisUrl: redis.url,
    async createDatabase(name) {
      await query(postgres.url, `create database ${pg.escapeIdentifier(name)} template ${template}`)
      return ensureDatabase(postgres.url, name)
    },
    async versions() {
      const [row] = await query(postgres.url, 'show server_version')
      return { postgres: String(row?.server_version), redis: await redisVersion(redis.url) }
    },
  }
}

/** Runs one statement on a new connection. */
export async function query(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query(text, [...values])).rows
  } finally {
    await client.end()
  }
}

async function redisVersion(url: string): Promise<string> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url)
  const info = await redis.info('server')
  redis.disconnect()
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
