/**
 * Before all tests: one PostgreSQL, with a migrated template database, and one Redis; after them nothing is left.
 * `node --test --test-global-setup` calls it once; the environment set here reaches every test process.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../../db/migrations.ts'
import { freePort } from '../../infra/local/port.ts'
import { type Engine, ensureDatabase, startPostgres } from '../../infra/local/postgres.ts'
import { startRedis } from '../../infra/local/redis.ts'
import { templateDatabase } from './stores.ts'

let closers: (() => Promise<unknown> | undefined)[] = []

export async function globalSetup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  // As root, PostgreSQL runs under another account, which must pass through.
  chmodSync(folder, 0o711)
  closers = [async () => rmSync(folder, { recursive: true, force: true })]
  try {
    const [postgres, redis] = await Promise.all([
      closing(startPostgres({ ...(await engine(folder, 'postgres')), fast: true })),
      closing(startRedis({ ...(await engine(folder, 'redis')), fast: true })),
    ])
    await makeTemplate(postgres.url)
    process.env.TEST_DATABASE_URL = postgres.url
    process.env.TEST_REDIS_URL = redis.url
  } catch (error) {
    await globalTeardown()
    throw error
  }
}

export async function globalTeardown(): Promise<void> {
  for (const close of closers.toReversed()) await close()
  closers = []
}

async function engine(folder: string, name: string) {
  return { dataDir: join(folder, name), port: await freePort(), log: () => {} }
}

async function closing(starting: Promise<Engine>): Promise<Engine> {
  const started = await starting
  closers.push(started.stop)
  return started
}

/** Every test database is a copy of it: nobody may connect to it any more. */
async function makeTemplate(url: string): Promise<void> {
  await migrate(await ensureDatabase(url, templateDatabase))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`alter database ${templateDatabase} with is_template true allow_connections false`)
  } finally {
    await client.end()
  }
}
