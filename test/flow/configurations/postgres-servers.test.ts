/** Servers and runners on PostgreSQL as people have it: pgbouncer, roles with few rights and connections, failover. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { runMigrations } from '../../../db/run-migrations.ts'
import { missingPrograms } from '../../db/configurations/installed.ts'
import { startPgbouncer } from '../../db/configurations/pgbouncer.ts'
import { type PostgresServer, startPostgresServer } from '../../db/configurations/postgres-server.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { createDatabase, redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startOctopodProgram, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { failToStart, runWholeFlow } from './whole-flow.ts'

/** Answers of 503 count as not yet. */
const waitForSuccess = (octopod: ApiClient, actionId: number) =>
  waitFor('the accepted action has succeeded', async () => {
    const { status, body } = await octopod.api('GET', `/actions/${actionId}`)
    assert.ok([200, 503].includes(status), String(status))
    const { state } = body as { state?: string }
    return { done: state === 'succeeded', value: null, seen: state ?? status }
  })

suite('pgbouncer', { skip: missingPrograms('pgbouncer') }, () => {
  for (const poolMode of ['transaction', 'session'] as const)
    test(`Servers and runners work behind pool_mode=${poolMode}`, async () => {
      const database = await createDatabase()
      const pgbouncer = await startPgbouncer(database.url, {
        poolMode,
        poolSize: poolMode === 'transaction' ? 3 : 20,
      })
      const system = await startSystem({
        env: { CHECK_INTERVAL: '1', DATABASE_URL: pgbouncer.through(database.url) },
      })
      try {
        await runWholeFlow(system)
      } finally {
        await system.stop()
        await pgbouncer.stop()
        await database.drop()
      }
    })
})

suite('roles', () => {
  let postgres: PostgresServer
  before(async () => {
    postgres = await startPostgresServer()
  })
  after(() => postgres?.stop())

  /** The address of a new database, for a role with the password `pw`. */
  async function newDatabase(name: string): Promise<(role: string) => string> {
    await postgres.query(`create database ${name}`)
    await postgres.query(`revoke all on database ${name} from public`)
    return (role) => {
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      url.username = role
      url.password = role === 'octopod' ? url.password : 'pw'
      return url.href
    }
  }
  async function runIn(url: string, statements: string): Promise<void> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(statements).finally(() => client.end())
  }

  test('A role that owns one schema and nothing else is enough', async () => {
    const url = await newDatabase('one_schema')
    await runIn(
      url('octopod'),
      `create role tenant login password 'pw'; grant connect on database one_schema to tenant;
       revoke all on schema public from public; create schema staging authorization tenant;
       alter role tenant in database one_schema set search_path = staging`,
    )
    assert.notEqual((await runMigrations(url('tenant'))).length, 0)
    const system = await startSystem({ env: { CHECK_INTERVAL: '1', DATABASE_URL: url('tenant') } })
    try {
      await runWholeFlow(system)
    } finally {
      await system.stop()
    }
  })

  test('A second role with the documented rights is enough for servers and runners', async () => {
    const url = await newDatabase('two_roles')
    const documented = /^```sql\n(create role octopod_owner[^`]*)```$/m.exec(
      await readFile(new URL('../../../docs/install.md', import.meta.url), 'utf8'),
    )?.[1]
    assert.ok(documented !== undefined)
    const [beforeMigration = '', afterMigration = ''] = documented
      .replaceAll(/PASSWORD_\d/g, 'pw')
      .replaceAll('database octopod ', 'database two_roles ')
      .split(/^-- After the first migration.*$/m)
    await runIn(url('octopod'), beforeMigration)
    const migrationNames = await runMigrations(url('octopod_owner'))
    assert.notEqual(migrationNames.length, 0)

    const environment = { CHECK_INTERVAL: '1', DATABASE_URL: url('octopod_app') }
    const refusal = await failToStart('server', {
      ...environment,
      PATH: process.env.PATH ?? '',
      REDIS_URL: redisUrl(),
      ANONYMOUS_ROLE: 'developer',
    })
    assert.match(
      refusal,
      /DATABASE_URL: the role octopod_app may not use create_audit_partitions\(\), .*docs\/install.md/,
    )

    await runIn(url('octopod_owner'), afterMigration)
    const system = await startSystem({ env: environment })
    try {
      await runWholeFlow(system)
    } finally {
      await system.stop()
    }
  })

  test('With few connections requests wait or are 503, and accepted actions run', async () => {
    const url = await newDatabase('few_connections')
    await runIn(
      url('octopod'),
      `create role few login password 'pw' connection limit 5; alter database few_connections owner to few`,
    )
    await runMigrations(url('few'))
    // The runner may open four, and the server two.
    const system = await startSystem({
      env: { CHECK_INTERVAL: '1', DATABASE_URL: url('few'), DATABASE_POOL_SIZE: '2' },
    })
    const octopod = createApiClient(system.url)
    try {
      const replies = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          index % 2 === 0 ? octopod.create(`few-${index}`) : octopod.api('GET', '/deployments'),
        ),
      )
      for (const { status, text, headers } of replies) {
        assert.ok(status === 200 || (status === 503 && headers.has('retry-after')), `${status} ${text}`)
      }
      const accepted = replies.filter(({ headers }) => headers.has('octopod-action-id'))
      for (const reply of accepted) await waitForSuccess(octopod, getActionId(reply))
    } finally {
      await system.stop()
    }
  })
})

test('A standby is read-only: changes are 503, reads work, accepted actions run after the promotion', async () => {
  const postgres = await startPostgresServer(true)
  try {
    await runMigrations(postgres.url)
    const system = await startSystem({ env: { CHECK_INTERVAL: '1', DATABASE_URL: postgres.url } })
    const octopod = createApiClient(system.url)
    const ready = async () => (await octopod.call('GET', '/readyz')).body as Record<string, string>
    try {
      await octopod.create('before')
      await octopod.waitForStatus('before', 'Running')
      await system.runner.stop()
      const accepted = getActionId(await octopod.archive('before'))
      assert.notEqual(accepted, 0)
      await postgres.becomeStandby()
      await waitFor('/readyz says that PostgreSQL is read-only', async () => {
        const body = await ready()
        return { done: body.postgres === 'read-only', value: null, seen: body }
      })
      assert.equal((await ready()).status, 'degraded')
      const runner = await system.startRunner()
      const refused = await octopod.create('during')
      assert.equal(refused.status, 503)
      assert.ok(refused.headers.has('retry-after'))
      assert.match(refused.text, /The database is read-only right now/)
      assert.equal((await octopod.api('GET', '/deployments/before/full_info')).status, 200)

      await postgres.promote()
      await waitForSuccess(octopod, accepted)
      await waitFor('the server is ready', async () => {
        const body = await ready()
        return { done: body.status === 'ready', value: null, seen: body }
      })
      assert.equal((await octopod.create('after')).status, 200)
      await octopod.waitForStatus('after', 'Running')
      assert.equal((await octopod.api('GET', '/deployments/during/full_info')).status, 404)
      assert.ok(runner.lines.length < 300, 'no busy loop')
    } finally {
      await system.stop()
    }
  } finally {
    await postgres.stop()
  }
})

suite('start', () => {
  const environment = (values: Record<string, string>) => ({
    PATH: process.env.PATH ?? '',
    DATABASE_URL: process.env.TEST_DATABASE_URL ?? '',
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: redisPrefix(),
    CONTROL_SCRIPTS_DIR: new URL('../../scripts/configurable', import.meta.url).pathname,
    ANONYMOUS_ROLE: 'developer',
    ...values,
  })

  test('An address that cannot be read ends every program at once, and no piece of the password is shown', async () => {
    const wrong = {
      DATABASE_URL: 'postgres://app:77/hunter2@db/octopod',
      REDIS_URL: 'redis://:77#hunter2@redis/0',
    }
    for (const program of ['server', 'runner'] as const) {
      const output = await failToStart(program, environment(wrong))
      assert.match(output, /^DATABASE_URL cannot be read as postgres:/m)
      assert.match(output, /^REDIS_URL cannot be read as redis:/m)
      assert.doesNotMatch(output, /hunter2|77|waiting/)
    }
    const migrate = await startOctopodProgram(
      'db/migrate.ts',
      environment({ MIGRATION_DATABASE_URL: wrong.DATABASE_URL }),
      'Migrated',
    ).catch((error) => String(error))
    assert.match(String(migrate), /MIGRATION_DATABASE_URL cannot be read as postgres:/)
    assert.doesNotMatch(String(migrate), /hunter2|77/)
  })

  test('A CA file that cannot be read ends a program at once', async () => {
    const url = `${process.env.TEST_DATABASE_URL}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt`
    assert.match(
      await failToStart('server', environment({ DATABASE_URL: url })),
      /DATABASE_URL names a file that cannot be read: sslrootcert=\/nowhere\/ca.crt/,
    )
  })
})
