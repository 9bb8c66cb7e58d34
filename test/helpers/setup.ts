/**
 * Global setup of all tests: starts one PostgreSQL with a migrated template database and one Redis, builds octo's
 * package, and removes them at the end. `node --test --test-global-setup` calls it once; every test process inherits
 * the environment that it sets.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { runMigrations } from '../../db/run-migrations.ts'
import { type Datastore, ensureDatabase, startPostgres } from '../../infra/dev/postgres/postgres.ts'
import { startRedis } from '../../infra/dev/redis/redis.ts'
import { freePort } from '../../lib/node/ports.ts'
import { buildPackage } from '../../octo/build/package.ts'
import { templateDatabase } from './datastores.ts'
import { compileCache } from './system.ts'

let closers: (() => Promise<unknown> | undefined)[] = []

export async function globalSetup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  // When root starts it, PostgreSQL runs under another account, which must be able to enter the folder.
  chmodSync(folder, 0o711)
  closers = [async () => rmSync(folder, { recursive: true, force: true })]
  try {
    const [postgres, redis, octo] = await Promise.all([
      registerClose(startPostgres({ ...(await storeOptions(folder, 'postgres')), fast: true })),
      registerClose(startRedis({ ...(await storeOptions(folder, 'redis')), fast: true })),
      process.env.OCTO_UNDER_TEST ?? buildOcto(join(folder, 'octo')),
    ])
    await createTemplateDatabase(postgres.url)
    process.env.TEST_DATABASE_URL = postgres.url
    process.env.TEST_REDIS_URL = redis.url
    process.env.OCTO_UNDER_TEST = octo
    // Without it every test file compiles its libraries again, which takes up to half a second.
    process.env.NODE_COMPILE_CACHE ??= compileCache
  } catch (error) {
    await globalTeardown()
    throw error
  }
}

export async function globalTeardown(): Promise<void> {
  for (const close of closers.toReversed()) await close()
  closers = []
}

/** → the file that Node starts */
async function buildOcto(folder: string): Promise<string> {
  await buildPackage(folder)
  return join(folder, 'octo.cjs')
}

async function storeOptions(folder: string, name: string) {
  return { dataDir: join(folder, name), port: await freePort(), log: () => {} }
}

async function registerClose(starting: Promise<Datastore>): Promise<Datastore> {
  const started = await starting
  closers.push(started.stop)
  return started
}

/** Every test database is a copy of the template. PostgreSQL copies only a database without connections. */
async function createTemplateDatabase(url: string): Promise<void> {
  await runMigrations(await ensureDatabase(url, templateDatabase))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`alter database ${templateDatabase} with is_template true allow_connections false`)
  } finally {
    await client.end()
  }
}
