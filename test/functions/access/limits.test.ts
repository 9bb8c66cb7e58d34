/** The limits of one caller, and that their memory is bounded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { createAddressLimiter, createCallerLimits, groupAddress } from '../../../functions/access/limits.ts'
import { createWrongCredentials } from '../../../functions/access/wrong-credentials.ts'
import { serverSettings } from './fixtures.ts'

const stranger = (address: string) => ({ key: null, address })
const limitsFor = (environment: Record<string, string>) => createCallerLimits(serverSettings(environment))
const rateLimited = { code: 'rate_limited' }

test('One address without a credential is limited, others and credentials are not', async () => {
  const limits = limitsFor({ REQUEST_LIMIT: '1' })
  for (let count = 0; count < 10; count += 1) await limits.countRequest(stranger('203.0.113.1'), 0)
  await assert.rejects(limits.countRequest(stranger('203.0.113.1'), 0), rateLimited)
  await limits.countRequest(stranger('203.0.113.2'), 0)
  for (let count = 0; count < 50; count += 1)
    await limits.countRequest({ key: 'user', address: '203.0.113.1' }, 1_000_000)
  assert.equal(limits.refusedCount(), 1)
  const unlimited = limitsFor({ REQUEST_LIMIT: '0' })
  for (let count = 0; count < 50; count += 1) await unlimited.countRequest(stranger('203.0.113.1'), 0)
})

test('A large body costs as much as many requests', async () => {
  const limits = limitsFor({ REQUEST_LIMIT: '10' })
  await limits.countRequest(stranger('203.0.113.1'), 900_000)
  await assert.rejects(limits.countRequest(stranger('203.0.113.1'), 900_000), rateLimited)
})

test('Large bodies without a credential have a share of the memory, small ones and credentials are not counted', () => {
  const limits = limitsFor({})
  const large = 1_000_000
  const release = limits.holdBody(stranger('203.0.113.1'), large)
  for (let count = 0; count < 3; count += 1) limits.holdBody(stranger('203.0.113.1'), large)
  assert.throws(() => limits.holdBody(stranger('203.0.113.1'), large), rateLimited)
  for (let count = 0; count < 12; count += 1) limits.holdBody(stranger(`203.0.113.${10 + count}`), large)
  assert.throws(() => limits.holdBody(stranger('203.0.113.2'), large), rateLimited)
  assert.throws(() => limits.holdBody(stranger('203.0.113.2'), null), rateLimited)
  limits.holdBody(stranger('203.0.113.1'), 10_000)
  limits.holdBody({ key: 'user', address: '203.0.113.1' }, large)
  release()
  limits.holdBody(stranger('203.0.113.2'), large)
  const unlimited = limitsFor({ REQUEST_LIMIT: '0' })
  for (let count = 0; count < 100; count += 1) unlimited.holdBody(stranger('203.0.113.1'), large)
})

test('A caller has a limited number of script queries, and a credential any number of config checks', async () => {
  const limits = limitsFor({ SCRIPT_QUERY_CALLER_LIMIT: '2' })
  const ends: (() => void)[] = []
  const wait = () => new Promise<void>((resolve) => ends.push(resolve))
  const caller = stranger('203.0.113.1')
  const running = [1, 2].map(() => limits.runScriptQuery(caller, false, wait))
  await assert.rejects(limits.runScriptQuery(caller, false, wait), rateLimited)
  running.push(limits.runScriptQuery(stranger('203.0.113.2'), false, wait))
  running.push(limits.runScriptQuery(caller, true, wait))
  const user = { key: 'user', address: '203.0.113.1' } as const
  running.push(...[1, 2].map(() => limits.runScriptQuery(user, false, wait)))
  await assert.rejects(limits.runScriptQuery(user, false, wait), rateLimited)
  running.push(...[1, 2, 3, 4].map(() => limits.runScriptQuery(user, true, wait)))
  for (const end of ends) end()
  await Promise.all(running)
  await limits.runScriptQuery(caller, false, async () => {})
})

test('One address has a limited number of websockets without a credential', () => {
  const limits = limitsFor({ REQUEST_LIMIT: '1' })
  const caller = stranger('203.0.113.1')
  const releases = Array.from({ length: 10 }, () => limits.holdWebSocket(caller))
  assert.throws(() => limits.holdWebSocket(caller), rateLimited)
  limits.holdWebSocket(stranger('203.0.113.2'))
  limits.holdWebSocket({ key: 'user', address: '203.0.113.1' })
  releases[0]?.()
  limits.holdWebSocket(caller)
})

test('One caller has a limited number of streams of the audit log, also with a credential', () => {
  const limits = limitsFor({ REQUEST_LIMIT: '0' })
  const callerOf = (key: string | null) => ({ key, address: '203.0.113.1' })
  const releases = Array.from({ length: 10 }, () => limits.holdAuditStream(callerOf('ann')))
  assert.throws(() => limits.holdAuditStream(callerOf('ann')), rateLimited)
  for (const key of [null, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    for (let count = 0; count < 10; count += 1) limits.holdAuditStream(callerOf(key))
  assert.throws(() => limits.holdAuditStream(callerOf('last')), /Too many clients/)
  for (const release of releases) release()
  limits.holdAuditStream(callerOf('last'))
})

test('A /64 of IPv6 addresses is one caller', () => {
  assert.equal(groupAddress('2001:db8:1:2:3:4:5:6'), groupAddress('2001:db8:1:2::9'))
  assert.notEqual(groupAddress('2001:db8:1:2::9'), groupAddress('2001:db8:1:3::9'))
  assert.equal(groupAddress('203.0.113.1'), '203.0.113.1')
  assert.equal(groupAddress('unknown'), 'unknown')
})

test('A hundred thousand addresses need bounded memory', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const usedBytes = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const limiter = createAddressLimiter(1_000_000, 600)
  const send = async (from: number, to: number) => {
    for (let at = from; at < to; at += 1)
      await limiter.consume(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, 1)
  }
  await send(0, 50_000)
  const before = usedBytes()
  await send(50_000, 100_000)
  assert.ok(usedBytes() - before < 4 * 1024 * 1024)
})

test('Many different wrong credentials of one address are limited and logged once a minute', async (t) => {
  const lines: { address: string; count: number }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const wrong = createWrongCredentials(log)
  t.after(() => wrong.close())
  for (let guess = 0; guess < 20; guess += 1) await wrong.record('203.0.113.1', `Bearer ${guess}`, false)
  await assert.rejects(wrong.record('203.0.113.1', 'Bearer x', false), rateLimited)
  await wrong.record('203.0.113.2', 'Bearer x', false)
  assert.equal(wrong.count(), 22)
  wrong.close()
  assert.deepEqual(
    lines.map(({ address, count }) => [address, count]),
    [
      ['203.0.113.1', 1],
      ['203.0.113.2', 1],
      ['203.0.113.1', 21],
    ],
  )
})

test('The same wrong credential again is no guess: it gets its usual answer', async (t) => {
  const wrong = createWrongCredentials(pino({ level: 'silent' }))
  t.after(() => wrong.close())
  for (let count = 0; count < 100; count += 1) await wrong.record('203.0.113.1', 'Bearer old', false)
  assert.equal(wrong.count(), 100)
  // Where everyone is a user, a proxy may pass on its own credential.
  for (let count = 0; count < 100; count += 1) await wrong.record('203.0.113.3', 'Basic eA==', true)
  assert.equal(wrong.count(), 101)
})
