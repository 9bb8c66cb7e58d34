/** config_check and the queries of forms have queues of their own; no script runs for a client that has gone. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import { closeRedis, createCommandConnection } from '../../db/redis/connections.ts'
import { queueNames } from '../../db/redis/redis-keys.ts'
import { type ApiClient, type ApiResponse, createApiClient } from '../helpers/api-client.ts'
import { redisUrl } from '../helpers/datastores.ts'
import { findScriptProcesses } from '../helpers/find-processes.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

const slots = 4
let system: System
let octopod: ApiClient
let redis: Redis
before(async () => {
  redis = createCommandConnection(redisUrl(), () => {})
  system = await startSystem({
    env: {
      CHECK_INTERVAL: '3600',
      CHECK_TIMEOUT: '120',
      SCRIPT_QUERY_TIMEOUT: '120',
      // All queries are of one caller.
      SCRIPT_QUERY_CALLER_LIMIT: '0',
      CONFIG_CHECK_TIMEOUT: '120',
      SCRIPT_QUERY_CONCURRENCY: `${slots}`,
      CONFIG_CHECK_CONCURRENCY: `${slots}`,
    },
  })
  octopod = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  await closeRedis(redis)
})

const readKeys = (region: string) => octopod.api('POST', '/application_override_keys', [['region', region]])

/** Sends requests whose script waits until `release` is called, and resolves when all slots are taken. */
async function holdAllSlots(
  script: string,
  queue: keyof typeof queueNames,
  send: (index: number) => Promise<ApiResponse>,
  count: number,
) {
  const file = join(system.dir, `release-${script}`)
  await system.setBehavior(script, `wait ${file}`)
  let answered = 0
  const requests = Array.from({ length: count }, (_, index) =>
    send(index).finally(() => {
      answered += 1
    }),
  )
  const waitingJobs = `${system.environment.REDIS_PREFIX}:${queueNames[queue]}:wait`
  await waitFor(`${count - slots} queries wait`, async () => {
    const waiting = await redis.llen(waitingJobs)
    return { done: waiting === count - slots, value: null, seen: waiting }
  })
  return {
    answeredCount: () => answered,
    release: async () => {
      await writeFile(file, '')
      return (await Promise.all(requests)).map(({ status }) => status)
    },
  }
}

test('Forty slow queries of forms do not delay the config_check of a create', async () => {
  const forms = await holdAllSlots(
    'application_config_keys',
    'scriptQueries',
    (index) => readKeys(`r${index}`),
    40,
  )
  const reply = await octopod.create('prompt')
  assert.equal(reply.status, 200, reply.text)
  assert.equal(forms.answeredCount(), 0)
  assert.deepEqual(new Set(await forms.release()), new Set([200]))
})

test('Slow config_checks do not delay the keys of a form', async () => {
  const checks = await holdAllSlots(
    'config_check',
    'configChecks',
    (index) => octopod.create(`slow-${index}`),
    slots + 2,
  )
  assert.equal((await readKeys('prompt')).status, 200)
  assert.equal(checks.answeredCount(), 0)
  assert.deepEqual(new Set(await checks.release()), new Set([200]))
})

test('config_check and a check whose client has gone are ended', async () => {
  await octopod.create('left')
  await octopod.waitForStatus('left', 'Running')
  for (const [script, name, request] of [
    ['check', 'left', { path: '/deployments/left/status' }],
    [
      'config_check',
      'never',
      {
        path: '/deployments',
        method: 'POST',
        body: JSON.stringify({ name: 'never', app_overrides: [], deployment_overrides: [] }),
      },
    ],
  ] as const) {
    await system.setBehavior(script, 'hang')
    const gone = new AbortController()
    const { path, ...options } = request
    const headers = {
      Authorization: system.adminHeader,
      'Content-Type': 'application/json',
      'Idempotency-Key': `gone-${script}`,
    }
    const asked = fetch(`${system.url}/api/v1${path}`, { ...options, headers, signal: gone.signal })
    const runsIs = (expected: boolean) =>
      waitFor(`${script} ${expected ? 'runs' : 'has ended'}`, async () => {
        const processes = findScriptProcesses(name)
        return { done: processes.length > 0 === expected, value: null, seen: processes }
      })
    await runsIs(true)
    gone.abort()
    await assert.rejects(asked, { name: 'AbortError' })
    await runsIs(false)
    await system.setBehavior(script, '')
  }
})
