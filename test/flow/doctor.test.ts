/** GET /doctor with real stores, servers and runners, of which some are stopped, frozen or set up wrongly. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import type { DoctorResult } from '../../domain/doctor/doctor-endpoints.ts'
import { createApiClient } from '../helpers/api-client.ts'
import { type DedicatedRedis, startDedicatedRedis } from '../helpers/dedicated-redis.ts'
import { type Program, type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

let redis: DedicatedRedis
let system: System
let postgresProxy: TcpProxy
let redisProxy: TcpProxy
/** Reaches its stores through the proxies. */
let proxied: Program & { url: string }

before(async () => {
  redis = await startDedicatedRedis()
  system = await startSystem({
    env: { REDIS_URL: redis.url, ANONYMOUS_ROLE: 'viewer', CHECK_INTERVAL: '3600', GIT_REVISION: 'rev1' },
  })
  ;[postgresProxy, redisProxy] = await Promise.all([
    startTcpProxy(system.databaseUrl),
    startTcpProxy(redis.url),
  ])
  proxied = await system.startServer({ DATABASE_URL: postgresProxy.url, REDIS_URL: redisProxy.url })
})
after(async () => {
  await system?.stop()
  await Promise.all([postgresProxy?.close(), redisProxy?.close(), redis?.remove()])
})

async function examine(url = system.url, headers: Record<string, string> = {}): Promise<DoctorResult> {
  const startedAt = performance.now()
  const { status, body, text } = await createApiClient(url).api('GET', '/doctor', undefined, headers)
  assert.equal(status, 200, text)
  assert.ok(performance.now() - startedAt < 5000, 'the answer takes too long')
  return body as DoctorResult
}

/** On a busy machine stores are slow, and the runner that is killed becomes silent. */
const ignored = ['ok', 'postgres_slow', 'redis_slow', 'program_silent']
const problems = ({ findings }: DoctorResult) =>
  findings.map(({ code }) => code).filter((code) => !ignored.includes(code))

/** Longer than the time between two reports. */
const timeoutMs = 45_000
const waitForProblems = (
  expected: string[],
  url = system.url,
  isComplete: (result: DoctorResult) => boolean = () => true,
) =>
  waitFor(
    `the doctor finds ${expected.join(', ') || 'nothing'}`,
    async () => {
      const result = await examine(url)
      const seen = problems(result)
      return { done: seen.join() === expected.join() && isComplete(result), value: result, seen }
    },
    timeoutMs,
  )

test('A healthy installation has no problem, and the doctor lists servers, runners and stores', async () => {
  const { servers, runners, stores, actions, server } = await waitForProblems(
    [],
    system.url,
    (result) => result.servers.length === 2,
  )
  assert.ok(servers.some(({ name }) => name === server))
  assert.equal(runners.length, 1)
  for (const { version, clock_offset_ms, last_report_seconds } of [...servers, ...runners]) {
    assert.equal(version, 'rev1')
    assert.ok(Math.abs(clock_offset_ms ?? 9999) < 1000)
    assert.ok(last_report_seconds < 60)
  }
  assert.ok(stores.postgresql !== null && stores.redis !== null)
  assert.equal(actions?.running, 0)
})

test('Only admins may ask', async () => {
  assert.equal((await createApiClient(system.url, null).api('GET', '/doctor')).status, 401)
})

test('A request through an unknown proxy is reported to its sender only', async () => {
  const through = await examine(system.url, { 'X-Forwarded-For': '203.0.113.7' })
  assert.deepEqual(problems(through), ['proxy_not_trusted'])
  assert.deepEqual(problems(await examine()), [])
})

test('A wrong eviction policy of Redis is found, and that it is corrected', async () => {
  const admin = new Redis(redis.url)
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await waitForProblems(['redis_eviction'])
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await waitForProblems([])
  await admin.quit()
})

test('A killed runner, a runner of another version and one with other settings are found', async () => {
  system.runner.signal('SIGKILL')
  await system.runner.exited
  await waitForProblems(['no_runner'])
  const other = await system.startRunner({ GIT_REVISION: 'rev2', OUTPUT_RETENTION: '86400' })
  const { findings } = await waitForProblems(['versions_differ', 'settings_differ'])
  assert.match(
    findings.find(({ code }) => code === 'settings_differ')?.message ?? '',
    / of OUTPUT_RETENTION\.$/,
  )
  await other.stop()
  await system.startRunner()
  await waitForProblems([])
})

test('While PostgreSQL and Redis hang or are away the doctor answers in time, without an address or a password', async () => {
  const frozen = [postgresProxy, redisProxy]
  for (const proxy of frozen) proxy.freeze()
  const { findings, stores, actions } = await waitForProblems(
    ['runners_unknown', 'postgres_unreachable', 'redis_unreachable'],
    proxied.url,
  )
  assert.deepEqual([stores, actions], [{ postgresql: null, redis: null }, null])
  const text = JSON.stringify(findings)
  for (const url of [system.databaseUrl, redis.url, ...frozen.map(({ url }) => url)]) {
    const { host, port, password } = new URL(url)
    for (const secret of [host, port, password].filter((one) => one !== ''))
      assert.ok(!text.includes(secret), `${secret} in ${text}`)
  }
  for (const proxy of frozen) proxy.thaw()
  await waitForProblems([], proxied.url)
  await redis.stop()
  await waitForProblems(['runners_unknown', 'redis_unreachable'])
  await redis.start()
  await waitForProblems([])
})
