/** Datastores for one test: a migrated database of its own, and its own prefix in the Redis of all tests. */
import pg from 'pg'

/** Created by setup.ts. */
export const templateDatabase = 'octopod_template'

let count = 0

/** A new migrated database. `drop` also ends open connections. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createFromTemplate(templateDatabase)
}

/** An empty database, for tests of the migrations. */
export async function createEmptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createFromTemplate('template0')
}

async function createFromTemplate(template: string) {
  const name = uniqueName('_')
  await runAdminStatement(`create database ${name} template ${template}`)
  const url = new URL(requireEnv('TEST_DATABASE_URL'))
  url.pathname = `/${name}`
  return { url: url.href, drop: () => runAdminStatement(`drop database if exists ${name} with (force)`) }
}

export function redisUrl(): string {
  return requireEnv('TEST_REDIS_URL')
}

/** A unique value for REDIS_PREFIX. */
export function redisPrefix(): string {
  return uniqueName('-')
}

function uniqueName(separator: string): string {
  count += 1
  return ['test', process.pid, count].join(separator)
}

function requireEnv(name: 'TEST_DATABASE_URL' | 'TEST_REDIS_URL'): string {
  const value = process.env[name]
  if (value === undefined)
    throw new Error(
      `${name} is not set: run npm test, or for one file: npx node --test --test-global-setup=test/helpers/setup.ts FILE`,
    )
  return value
}

async function runAdminStatement(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: requireEnv('TEST_DATABASE_URL') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
