/** The limit of bytes per second of app_logs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAppLogOutput } from '../../../runner/app-logs/app-log-output.ts'
import type { EntryWriter } from '../../../runner/app-logs/entry-writer.ts'
import { createRateLimit } from '../../../runner/app-logs/rate-limit.ts'
import { createSecretPatterns } from '../../../runner/output/secret-patterns.ts'

const limits = { bytesPerSecond: 1000, burstBytes: 4000, droppedBytesPerSecond: 1_000_000 }

test('Bytes beyond the burst and the rate are refused until enough time has passed', () => {
  let nowMs = 0
  const rate = createRateLimit(limits, () => nowMs)
  assert.equal(rate.take(4000, false), true)
  assert.equal(rate.take(1, false), false)
  nowMs += 400
  assert.equal(rate.take(300, true), false, 'after a gap the limit waits for several lines')
  nowMs += 200
  assert.equal(rate.take(300, true), true)
  assert.equal(rate.waitAfterDropped(500_000), 500)
  assert.equal(rate.waitAfterDropped(500_000), 1000)
})

test('Dropped lines are counted, and lines after a gap begin at a beginning', async () => {
  const events: string[] = []
  const writer: EntryWriter = {
    addLine: (text) => {
      events.push(text)
    },
    add: (entry) => events.push(entry.type === 'dropped' ? `dropped ${entry.lines}` : entry.type),
    flush: async () => {},
  }
  const ended = new AbortController()
  const output = createAppLogOutput(createSecretPatterns([]), writer, ended.signal, {
    ...limits,
    bytesPerSecond: 20_000,
  })
  const lines = (count: number, text: string) => Buffer.from(`${text}\n`.repeat(count))
  void output.push('stdout', lines(100, 'kept'))
  void output.push('stdout', Buffer.from('kept\nhal'))
  void output.push('stdout', Buffer.concat([Buffer.from('f\n'), lines(2000, 'lost')]))
  await new Promise((resolve) => setTimeout(resolve, 300))
  void output.push('stdout', Buffer.from('st\nback\n'))
  output.end()
  ended.abort()
  assert.deepEqual(new Set(events.slice(0, 101)), new Set(['kept']))
  assert.deepEqual(events.slice(101), ['dropped 2002', 'back'])
})
