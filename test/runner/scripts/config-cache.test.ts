/** The cache of config scripts in a runner is bounded in bytes, whatever strangers send. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ScriptAnswer } from '../../../domain/queue-messages.ts'
import { configCacheKey, createConfigCache } from '../../../runner/scripts/config-cache.ts'

const small: ScriptAnswer = { status: 'keys', keys: ['a'] }

test('An answer is found under its script and config, and dropped when it is too old', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const cache = createConfigCache(60_000)
  const key = configCacheKey('application_config', [['k', 'v']])
  cache.set(key, { answer: small, fetchedAtMs: 0 })
  assert.deepEqual(cache.get(key)?.answer, small)
  assert.equal(cache.get(configCacheKey('application_config', [['k', 'w']])), undefined)
  assert.equal(cache.get(configCacheKey('application_config_keys', [['k', 'v']])), undefined)
})

test('Two hundred configs and answers of 0.9 MB leave the memory within its limit', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const usedBytes = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const cache = createConfigCache(60_000)
  const before = usedBytes()
  for (let at = 0; at < 200; at += 1) {
    const text = `${at}`.padEnd(900_000, String(at))
    const key = configCacheKey('application_config', [['k', text]])
    cache.set(key, { answer: { status: 'pairs', pairs: [['k', text]] }, fetchedAtMs: 0 })
  }
  assert.ok(usedBytes() - before < 40 * 1024 * 1024)
  const first = configCacheKey('application_config', [['k', '0'.padEnd(900_000, '0')]])
  assert.equal(cache.get(first), undefined)
})
