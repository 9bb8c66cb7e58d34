/** Runs every block of docs/runbook.md, unchanged, against a real installation. The cluster is runbook-cluster.ts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { runMigrations } from '../../db/run-migrations.ts'
import { ensureDatabase } from '../../infra/dev/postgres/postgres.ts'
import { freePort } from '../../lib/node/ports.ts'
import { read } from '../architecture/repository.ts'
import { installedPostgres, startInstalledPostgres } from '../db/configurations/installed-postgres.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type DedicatedRedis, startDedicatedRedis } from '../helpers/dedicated-redis.ts'
import { adminHeader, type Program, type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'
import { runScript, type Variables } from './ci-recipes.ts'
import { startCluster } from './runbook-cluster.ts'

/** The blocks below each heading, and how many of them ran. */
const blocks = new Map(
  read('docs/runbook.md')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const texts = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
      return [section.slice(0, section.indexOf('\n')), texts] as const
    }),
)
const executed = new Set<string>()

// pg_dump reads servers of its own version and older ones.
const [bin] = installedPostgres()

suite('docs/runbook.md', { skip: bin === undefined && 'not installed: PostgreSQL with pg_dump' }, () => {
  let postgres: Awaited<ReturnType<typeof startInstalledPostgres>>
  let redis: DedicatedRedis
  let system: System
  let octopod: ApiClient
  let folder: string
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let port: number
  let databases = 0
  /** Of the installation that runs. */
  let databaseUrl: string
  let programs: Program[]
  let releases: string[] = []

  const newDatabase = () => ensureDatabase(postgres.url, `octopod_${++databases}`)
  const stop = async () => void (await Promise.all(programs.map((program) => program.stop())))
  const start = async () => {
    const environment = { DATABASE_URL: databaseUrl, PORT: String(port) }
    programs = await Promise.all([system.startServer(environment), system.startRunner(environment)])
  }
  const replace = async () => {
    await stop()
    await start()
  }
  /** Runs a block; `which`: its place below the heading. */
  const run = async (heading: string, which = 0, more: Variables = {}): Promise<string> => {
    const block = blocks.get(heading)?.[which]
    assert.ok(block, `${heading} has a block ${which}`)
    executed.add(block)
    const variables: Variables = {
      PATH: [join(folder, 'bin'), bin, dirname(process.execPath), process.env.PATH].join(':'),
      HOME: folder,
      DATABASE_URL: databaseUrl,
      OCTOPOD_URL: `http://127.0.0.1:${port}`,
      OCTO_AUTHORIZATION_HEADER: adminHeader,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      ...more,
    }
    const { code, output } = await runScript(['bash', '-euo', 'pipefail', '-s'], block, variables, folder)
    assert.equal(code, 0, `${heading}:\n${output}`)
    return output
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octopod-runbook-'))
    ;[postgres, redis, port] = await Promise.all([
      startInstalledPostgres(bin ?? ''),
      startDedicatedRedis(),
      freePort(),
    ])
    databaseUrl = await newDatabase()
    await runMigrations(databaseUrl)
    system = await startSystem({
      env: { DATABASE_URL: databaseUrl, REDIS_URL: redis.url, PORT: String(port), CHECK_INTERVAL: '1' },
    })
    octopod = createApiClient(system.url)
    programs = [system.server, system.runner]
    cluster = await startCluster(join(folder, 'bin'), {
      stop,
      start,
      setDatabaseUrl: (url) => {
        databaseUrl = url
      },
      install: start,
      // The next version has a migration that this one does not know.
      upgrade: async () => {
        await withDatabase(databaseUrl, (db) =>
          db.query(`alter table deployments add column of_next_version text;
            insert into migrations (name, run_on) values ('9999_next-version', now())`),
        )
        await replace()
      },
      rollback: async () => {
        assert.deepEqual(await runMigrations(databaseUrl), [], 'the migration changes nothing')
        await replace()
      },
      releases: () => releases,
    })
    await octopod.create('shop', { 'image.tag': 'v1' })
    await octopod.waitForStatus('shop', 'Running')
  })
  after(async () => {
    cluster?.close()
    await system?.stop()
    await Promise.all([postgres?.stop(), redis?.remove()])
    await rm(folder, { recursive: true, force: true })
  })

  test('Pauses: each is begun, listed and ended', async () => {
    assert.match(await run('Pauses'), /Health checks are paused until .+\nWHAT.*\nchecks .+cluster upgrade/s)
    assert.deepEqual((await octopod.api('GET', '/pauses')).body, [])
  })

  test('A backup during work is restored into an empty database; what is lost is found in the cluster', async () => {
    await system.setBehavior('update', `wait ${folder}/go-on`)
    const running = getActionId(await octopod.update('shop', { 'image.tag': 'v2' }))
    await waitFor('the script of the action runs', async () => {
      const { length } = await system.scriptCalls('update')
      return { done: length > 0, value: length, seen: length }
    })
    await octopod.create('revived')
    await octopod.waitForStatus('revived', 'Running')
    await octopod.archive('revived')
    await octopod.waitForStatus('revived', 'Archived')
    await withDatabase(databaseUrl, (db) =>
      db.query(`update deployments set archived_at = now() - interval '1 year' where name = 'revived'`),
    )
    await run('Backup')
    await writeFile(join(folder, 'go-on'), '')
    assert.equal((await octopod.waitForActionEnd(running)).state, 'succeeded')
    await octopod.create('later')
    await octopod.waitForStatus('later', 'Running')
    // It was archived long before the backup, and lives again since.
    await octopod.restore('revived')
    await octopod.waitForStatus('revived', 'Running')

    const restored = await run('Restore', 0, { NEW_DATABASE_URL: await newDatabase() })
    assert.match(restored, /ok +websocket/)
    const ended = await octopod.waitForActionEnd(running)
    assert.equal(ended.state, 'interrupted', 'it ran at the moment of the backup')
    assert.equal((await octopod.api('GET', '/deployments/later/full_info')).status, 404)
    assert.deepEqual(await system.scriptCalls('cleanup'), [], 'retention has removed nothing')
    await octopod.restore('revived')
    await octopod.waitForStatus('revived', 'Running')
    assert.doesNotMatch(await run('Restore', 1), /revived/)
    releases = ['later', 'revived', 'shop']
    const unknown = await run('PostgreSQL is lost')
    assert.equal(unknown, 'later\n')
    await octopod.create('later')
    await octopod.waitForStatus('later', 'Running')
    assert.match(await run('PostgreSQL is lost'), /Octopod knows all releases/)
    assert.equal((await octopod.update('shop', { 'image.tag': 'v2' })).status, 200)
    await octopod.waitForStatus('shop', 'Running')
  })

  test('Without Redis and with an empty one, accepted actions run', async () => {
    await redis.stop()
    const accepted = getActionId(await octopod.create('no-redis'))
    assert.equal((await octopod.waitForActionEnd(accepted)).state, 'succeeded')
    await redis.start()
    await waitFor('Redis is back', async () => {
      const { text } = await octopod.call('GET', '/readyz')
      return { done: text.includes('"redis":"ok"'), value: null, seen: text }
    })
    assert.match(await run('Redis is lost'), /"redis":"ok"/)
    await octopod.waitForStatus('no-redis', 'Running')
  })

  test('After the move to another cluster each deployment is deployed again, and statuses stay until then', async () => {
    const moved = await newDatabase()
    await run('Another cluster', 0, { NEW_DATABASE_URL: moved })
    databaseUrl = moved
    // The new cluster has no pods yet.
    const updatesBefore = (await system.scriptCalls('update')).length
    const output = await run('Another cluster', 1)
    assert.match(output, /^checks .+ move to another cluster$/m)
    for (const name of ['shop', 'later', 'revived', 'no-redis']) await octopod.waitForStatus(name, 'Running')
    assert.equal((await system.scriptCalls('update')).length - updatesBefore, 4)
    assert.deepEqual((await octopod.api('GET', '/pauses')).body, [])
  })

  test('After an upgrade the version before works with the newer database', async () => {
    await run('Upgrade and going back')
    await octopod.create('upgraded')
    await octopod.waitForStatus('upgraded', 'Running')
    await run('Upgrade and going back', 1)
    await octopod.archive('upgraded')
    await octopod.waitForStatus('upgraded', 'Archived')
  })

  test('Every block of the page has run', () => {
    assert.deepEqual(
      [...blocks.values()].flat().filter((block) => !executed.has(block)),
      [],
    )
  })
})
