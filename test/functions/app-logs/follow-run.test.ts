/** One reader of a run: joins, gaps and resuming. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import { claimRun, renewRun } from '../../../db/redis/app-logs/claims.ts'
import { appendEntry } from '../../../db/redis/app-logs/entries.ts'
import { appLogKey, readClaim, registerReader } from '../../../db/redis/app-logs/requests.ts'
import { closeRedis, createCommandConnection, waitUntilReady } from '../../../db/redis/connections.ts'
import { redisKeys } from '../../../db/redis/redis-keys.ts'
import type { AppLogEntry } from '../../../domain/output/app-log-messages.ts'
import { followRun, type ReaderPosition } from '../../../functions/app-logs/follow-run.ts'
import type { Services } from '../../../functions/services.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'

let redis: Redis
before(async () => {
  redis = createCommandConnection(redisUrl(), () => {})
  await waitUntilReady(redis, 5000)
})
after(() => closeRedis(redis))

const end: AppLogEntry = { type: 'end', reason: 'finished', message: 'The end.' }
const lines = (first: number, ...texts: string[]): AppLogEntry => ({
  type: 'lines',
  first,
  at: '2026-03-01T10:00:00.000Z',
  lines: texts,
})

/** A run with these entries. */
async function createRun(entries: readonly AppLogEntry[], tail = 10) {
  const prefix = redisPrefix()
  const target = { deploymentId: 1, configRevision: 1, tail, follow: true }
  const claim = { runId: randomUUID(), runner: 'r1' }
  await registerReader(redis, prefix, appLogKey(target))
  assert.equal(await claimRun(redis, prefix, appLogKey(target), claim, 60_000), true)
  const append = (entry: AppLogEntry, keep = 100) =>
    appendEntry(redis, prefix, claim.runId, JSON.stringify(entry), keep)
  for (const entry of entries) await append(entry)
  const services = { redis, settings: { REDIS_PREFIX: prefix } } as unknown as Services
  return { target, claim, append, services }
}

async function follow(
  { target, claim, services }: Awaited<ReturnType<typeof createRun>>,
  isNew: boolean,
  position: ReaderPosition | null = null,
  onSend: (text: string) => Promise<void> | void = () => {},
): Promise<string[]> {
  const seen: string[] = []
  const send = async ({ event, data }: { event: string; data: string }) => {
    const value = JSON.parse(data)
    const text = {
      state: value.state,
      line: value.text,
      dropped: `-${value.lines} ${value.reason}`,
      end: value.reason,
    }[event] as string
    seen.push(text)
    await onSend(text)
  }
  await followRun(services, target, { claim, isNew }, position, send, new AbortController().signal)
  return seen
}

test('The first reader gets all lines, and one that joins as many of the last ones as it wants', async () => {
  const run = await createRun([{ type: 'running' }, lines(1, 'a', 'b', 'c'), lines(4, 'd'), end], 2)
  assert.deepEqual(await follow(run, true), ['starting', 'running', 'a', 'b', 'c', 'd', 'finished'])
  assert.deepEqual(await follow(run, false), ['starting', 'running', 'c', 'd', 'finished'])
})

test('A reader that comes again goes on after its last line', async () => {
  const run = await createRun([
    { type: 'running' },
    { type: 'dropped', lines: 3 },
    lines(1, 'a', 'b', 'c'),
    end,
  ])
  const position = { runId: run.claim.runId, line: 2 }
  assert.deepEqual(await follow(run, false, position), ['starting', 'running', 'c', 'finished'])
  const ofOtherRun = { runId: 'other', line: 2 }
  assert.deepEqual(await follow(run, true, ofOtherRun), [
    'starting',
    'running',
    '-3 rate_limit',
    'a',
    'b',
    'c',
    'finished',
  ])
})

test('A reader that is too slow learns how many lines it has missed', async () => {
  const run = await createRun([{ type: 'running' }, lines(1, 'a')])
  const seen = await follow(run, true, null, async (text) => {
    if (text !== 'a') return
    await run.append(lines(2, 'b', 'c', 'd'), 1)
    await run.append(lines(5, 'e'), 1)
    await run.append(end, 2)
  })
  assert.deepEqual(seen, ['starting', 'running', 'a', '-3 slow_reader', 'e', 'finished'])
})

test('A reader learns that the claim of its run has expired', async () => {
  const target = { deploymentId: 2, configRevision: 1, tail: 10, follow: true }
  const run = { ...(await createRun([lines(1, 'a')])), target }
  assert.deepEqual(await follow(run, true), ['starting', 'running', 'a', 'runner_lost'])
})

/** Its first reads of the last lines are rejected. */
const withFailedReads = (count: number): Redis =>
  new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'xrevrange') return value.bind(target)
      return count-- > 0 ? () => Promise.reject(new Error('Command timed out')) : value.bind(target)
    },
  })

test('A reader that joins while Redis is slow reads again, and is told when it does not help', async () => {
  const run = await createRun([lines(1, 'a', 'b', 'c'), end], 2)
  const reader = (count: number) => {
    const services = { ...run.services, redis: withFailedReads(count) } as Services
    return follow({ ...run, services }, false)
  }
  assert.deepEqual(await reader(2), ['starting', 'running', 'b', 'c', 'finished'])
  assert.deepEqual(await reader(3), ['starting', 'redis_unreachable'])
})

test('A run is claimed once, and not without a reader', async () => {
  const prefix = redisPrefix()
  const claim = (runner: string) => claimRun(redis, prefix, 'key', { runId: runner, runner }, 60_000)
  assert.equal(await claim('early'), false)
  await registerReader(redis, prefix, 'key')
  assert.deepEqual(await Promise.all([claim('r1'), claim('r2')]), [true, false])
})

test('The claim of a run that nobody reads is released, so that the next reader gets another run', async () => {
  const prefix = redisPrefix()
  const claim = { runId: 'old', runner: 'r1' }
  await registerReader(redis, prefix, 'key')
  assert.equal(await claimRun(redis, prefix, 'key', claim, 60_000), true)
  assert.equal(await renewRun(redis, prefix, 'key', claim, 60_000), 'held')
  await redis.del(redisKeys(prefix).appLogReaders('key'))
  assert.equal(await renewRun(redis, prefix, 'key', claim, 60_000), 'unread')
  assert.equal(await readClaim(redis, prefix, 'key'), null)
})
