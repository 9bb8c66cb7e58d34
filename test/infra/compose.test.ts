/**
 * infra/compose.yaml: all names exist, all variables are settings, and the containers are as restricted as in the
 * chart.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { parse } from 'yaml'
import { readSettings } from '../../domain/settings/read-settings.ts'
import { type SettingName, settings } from '../../domain/settings.ts'
import { images } from '../../infra/images/build.ts'
import { freePort } from '../../lib/node/ports.ts'
import { waitFor } from '../helpers/wait-for.ts'

type Service = {
  image: string
  build?: { context: string; dockerfile: string; target?: string }
  environment: Record<string, string>
  command?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  user?: string
  stop_grace_period?: string
}

const file = fileURLToPath(new URL('../../infra/compose.yaml', import.meta.url))
const text = readFileSync(file, 'utf8')
const composeVariables: Record<string, string> = {
  POSTGRES_PASSWORD: 'of-postgres',
  REDIS_PASSWORD: 'of-redis',
  POWER_AUTHORIZATION_HEADER: 'Bearer admin',
}
type Compose = {
  services: Record<'postgres' | 'redis' | 'migrate' | 'server' | 'runner', Service>
  volumes: Record<string, null>
}
const composeWith = (variables: Record<string, string>) =>
  parse(interpolated(text, { ...composeVariables, ...variables }), { merge: true }) as Compose
// The .env of docs/install.md.
const { services, volumes } = composeWith({ ANONYMOUS_ROLE: 'developer' })
const programs = ['migrate', 'server', 'runner'] as const
/** Variables of the scripts, which Octopod itself does not read. */
const scriptVariables = ['DEFAULTS', 'INGRESS_HOST_KEY', 'KUBECONFIG']

test('The variables of every program are settings that it reads, and they are enough to start', () => {
  for (const program of programs) {
    const { environment } = services[program]
    for (const name of Object.keys(environment)) {
      const known = (settings[name as SettingName]?.programs as readonly string[] | undefined)?.includes(
        program,
      )
      assert.ok(known || (program === 'runner' && scriptVariables.includes(name)), `${program}: ${name}`)
    }
    readSettings(program, environment)
  }
  assert.equal(
    services.server.environment.DATABASE_URL,
    'postgres://octopod:of-postgres@postgres:5432/octopod',
  )
})

test('A server without a way to sign in says so, and starts with any of them', () => {
  const start = (variables: Record<string, string>) =>
    readSettings('server', composeWith(variables).services.server.environment)
  assert.throws(() => start({}), /no way to sign in is set/)
  const page = { APP_URL: 'https://octopod.example.com' }
  const oidc = { OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'octopod', OIDC_CLIENT_SECRET: 's' }
  assert.equal(start({ ...page, ...oidc }).OIDC_CLIENT_SECRET, 's')
  const proxy = { ACTOR_HEADER: 'X-User', GROUPS_HEADER: 'X-Groups', TRUSTED_PROXIES: '172.18.0.1' }
  assert.equal(start(proxy).GROUPS_HEADER, 'X-Groups')
  const policy = '/etc/octopod/policy/policy.yaml'
  assert.equal(start({ ...proxy, OCTOPOD_POLICY: policy }).OCTOPOD_POLICY, policy)
})

test('A variable without a default is required by name', () => {
  const required = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name)
  assert.deepEqual([...new Set(required)].sort(), Object.keys(composeVariables).sort())
  const used = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  for (const name of used) assert.ok(required.includes(name), `${name} is used without a default`)
})

test('Every file, folder, target, volume and service that it names exists', () => {
  for (const [name, service] of Object.entries(services)) {
    const { build, volumes: mounted = [], depends_on: needs = {} } = service
    if (build !== undefined) {
      const dockerfile = resolve(dirname(file), build.context, build.dockerfile)
      assert.ok(existsSync(dockerfile), dockerfile)
      if (build.target)
        assert.match(readFileSync(dockerfile, 'utf8'), new RegExp(` AS ${build.target}$`, 'm'), name)
      const tags = Object.values(images).map(({ tag }) => tag.replace('localhost/', ''))
      assert.ok((tags as string[]).includes(service.image), service.image)
    }
    for (const mount of mounted) {
      const [source = ''] = mount.split(':')
      assert.ok(source in volumes || existsSync(resolve(dirname(file), source)), `${name}: ${source}`)
    }
    for (const need of Object.keys(needs)) assert.ok(need in services, `${name} needs ${need}`)
  }
  for (const script of services.migrate.command?.slice(1) ?? [])
    assert.ok(existsSync(resolve(dirname(file), '..', script)), script)
  assert.equal(services.runner.environment.CONTROL_SCRIPTS_DIR, '/octopod/infra/control-scripts/helm')
  assert.ok(existsSync(resolve(dirname(file), 'control-scripts/helm/create')))
})

test('Every container has a read-only root file system, no capabilities and a health check, and none runs as root', () => {
  for (const [name, service] of Object.entries(services)) {
    assert.equal(service.read_only, true, name)
    assert.deepEqual(service.cap_drop, ['ALL'], name)
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
    if (service.build === undefined) {
      assert.match(service.user ?? '', /^[1-9]\d*:/, name)
      assert.ok(service.healthcheck, name)
    }
  }
})

test('Programs get the same time to stop as in the chart', () => {
  const none = { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x', ANONYMOUS_ROLE: 'none' }
  const server = readSettings('server', none).SHUTDOWN_GRACE / 1000
  const runner = readSettings('runner', none)
  assert.equal(services.server.stop_grace_period, `${server + 10}s`)
  assert.equal(
    services.runner.stop_grace_period,
    `${(runner.SHUTDOWN_GRACE + runner.KILL_GRACE) / 1000 + 15}s`,
  )
})

test('PostgreSQL and Redis have the same images as in the chart', () => {
  const chart = parse(readFileSync(new URL('../../infra/chart/values.yaml', import.meta.url), 'utf8'))
  for (const store of ['postgres', 'redis'] as const)
    assert.equal(services[store].image, chart[store].bundled.image, store)
  const golden = readFileSync(new URL('chart/golden/trial.yaml', import.meta.url), 'utf8')
  for (const line of redisScript().trim().split('\n')) assert.ok(golden.includes(line.trim()), line)
})

test('Redis reads its configuration and its password from standard input, and stops on SIGTERM', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  const port = await freePort()
  const script = redisScript().replace('dir /data', `dir ${dir}\nbind 127.0.0.1\nport ${port}`)
  const child = spawn('sh', ['-c', script], {
    env: { PATH: process.env.PATH, REDIS_PASSWORD: 'of-redis' },
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const redis = new Redis({ port, password: 'of-redis', lazyConnect: true, retryStrategy: () => 50 })
  redis.on('error', () => {})
  try {
    await redis.connect().catch(() => {})
    await waitFor('Redis replies', async () => ({
      done: (await redis.ping().catch(() => '')) === 'PONG',
      value: null,
    }))
    assert.deepEqual(await redis.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'noeviction'])
    assert.deepEqual(await redis.config('GET', 'appendonly'), ['appendonly', 'yes'])
    const stranger = new Redis({ port, lazyConnect: true, retryStrategy: null })
    stranger.on('error', () => {})
    await assert.rejects(stranger.get('x'), /NOAUTH|Connection is closed/)
    stranger.disconnect()
    assert.doesNotMatch(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), /of-redis/)
  } finally {
    redis.disconnect()
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    rmSync(dir, { recursive: true, force: true })
  }
})

/** The command as the shell gets it: compose replaces $$ with $. */
function redisScript(): string {
  return services.redis.command?.at(-1)?.replaceAll('$$', '$') ?? ''
}

/** Replaces `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` stays. */
function interpolated(source: string, values: Record<string, string>): string {
  return source.replaceAll(
    /(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind: string | undefined, rest: string) => values[name] ?? (kind === '-' ? rest : ''),
  )
}
