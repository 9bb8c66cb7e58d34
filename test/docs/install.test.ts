/** docs/install.md and docs/moving.md: all names in them exist, and the old database is migrated as they say. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { settings } from '../../domain/settings.ts'
import { tableRows } from '../architecture/markdown.ts'
import { files, read, root } from '../architecture/repository.ts'
import { createEmptyDatabase, redisPrefix, redisUrl } from '../helpers/datastores.ts'
import { adminHeader, startOctopodProgram } from '../helpers/system.ts'
import { withDatabase } from '../helpers/with-database.ts'

type Schema = { $ref?: string; properties?: Record<string, Schema>; additionalProperties?: unknown }
const schema = JSON.parse(read('infra/chart/values.schema.json')) as Schema & {
  $defs: Record<string, Schema>
}

/** Whether the chart has the value. */
function isValue(path: string): boolean {
  let at: Schema | undefined = schema
  for (const part of path.split('.')) {
    if (at?.$ref) at = schema.$defs[at.$ref.replace('#/$defs/', '')]
    // The keys below are free, e.g. variable names or labels.
    if (typeof at?.additionalProperties === 'object') return true
    at = at?.properties?.[part]
    if (at === undefined) return false
  }
  return true
}

const codeSpans = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)

test('Every chart value in the guides exists', () => {
  const roots = Object.keys(schema.properties ?? {})
  const isPath = (code: string) => /^[a-z]\w*(\.\w+)+$/.test(code) && roots.includes(code.split('.')[0] ?? '')
  const oldNames = new Set(tableRows('docs/moving.md').flatMap(([left = '']) => left.split(/[`, ]+/)))
  const named = ['docs/install.md', 'docs/moving.md'].flatMap((path) => codeSpans(read(path))).filter(isPath)
  assert.ok(named.length > 40)
  const wrong = named.filter(
    (path) => !isValue(path) && !oldNames.has(path) && path !== 'ingress.ui.annotations',
  )
  assert.deepEqual(wrong, [])
})

test('Every old value, setting and option has a row with its replacement', () => {
  const rows = tableRows('docs/moving.md').filter(([, now]) => now !== 'now')
  assert.ok(rows.length > 30)
  for (const [old = '', now = ''] of rows) assert.ok(now.length > 3, old)
  for (const [, now = ''] of rows)
    for (const name of codeSpans(now).filter((code) => /^[A-Z_]{4,}$/.test(code)))
      assert.ok(name in settings, name)
})

test('Every row about PostgreSQL and Redis names a test that exists', () => {
  const rows = tableRows('docs/install.md', (heading) => heading === 'PostgreSQL and Redis that you have')
  assert.ok(rows.length > 15)
  const paths = files()
  for (const [configuration = '', , tests = ''] of rows.slice(1)) {
    const named = tests.split(',').map((path) => path.replaceAll('`', '').trim())
    for (const path of named) assert.ok(paths.includes(path), `${configuration}: ${path}`)
  }
})

test('Every file, npm script and compose variable in the guides exists', () => {
  const scripts = JSON.parse(read('package.json')).scripts
  const paths = files()
  for (const guide of ['docs/install.md', 'docs/moving.md']) {
    const text = read(guide)
    for (const [, name = ''] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) assert.ok(name in scripts, name)
    for (const [path] of text.matchAll(/\binfra\/[\w./-]+\.yaml\b|\bDockerfile\.\w+/g))
      assert.ok(paths.includes(path), path)
  }
  const [, lines = ''] = /infra\/\.env <<END\n([\s\S]*?)^END$/m.exec(read('docs/install.md')) ?? []
  const set = lines.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])
  const compose = read('infra/compose.yaml')
  for (const name of set) assert.ok(compose.includes(`\${${name}`), name)
  for (const [, name = ''] of compose.matchAll(/\$\{(\w+):\?/g)) assert.ok(set.includes(name), name)
})

test('A database of Octopod 1.6 is migrated and served, with its output', async () => {
  const database = await createEmptyDatabase()
  const programs: { stop(): Promise<unknown> }[] = []
  try {
    await withDatabase(database.url, (client) =>
      client.query(readFileSync(new URL('../db/octopod-1-6.sql', import.meta.url), 'utf8')),
    )
    const env = { PATH: process.env.PATH ?? '', DATABASE_URL: database.url }
    const migrate = () =>
      spawnSync(process.execPath, [join(root, 'db/migrate.ts')], { env, encoding: 'utf8' }).stdout
    assert.match(migrate(), /^Migrated: 0001_octopod-1-6, /)
    assert.match(migrate(), /up to date/)

    const server = await startOctopodProgram(
      'functions/server.ts',
      {
        ...env,
        REDIS_URL: redisUrl(),
        REDIS_PREFIX: redisPrefix(),
        POWER_AUTHORIZATION_HEADER: adminHeader,
        ANONYMOUS_ROLE: 'developer',
        HOST: '127.0.0.1',
        PORT: '0',
      },
      'server ready',
    )
    programs.push(server)
    const getJson = async (path: string) => {
      const url = `http://127.0.0.1:${server.ready.port}/api/v1${path}`
      const answer = await fetch(url, { headers: { Authorization: adminHeader } })
      assert.equal(answer.status, 200, path)
      return answer.json()
    }
    const list: { deployment: { name: string }; status: { recorded_status: { tag: string } } }[] =
      await getJson('/deployments')
    const statuses = Object.fromEntries(
      list.map(({ deployment, status }) => [deployment.name, status.recorded_status.tag]),
    )
    assert.equal(list.length, 10)
    assert.equal(statuses.running, 'Running')
    assert.equal(statuses.creating, 'CreatePending')
    const [info] = await getJson('/deployments/running/info')
    const [newest] = info.logs
    assert.ok((await getJson(`/log/${newest.action_id}`)).stdout)
  } finally {
    for (const program of programs) await program.stop()
    await database.drop()
  }
})
