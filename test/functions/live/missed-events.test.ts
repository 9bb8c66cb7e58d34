/** Missed change events: each is noticed, and none is reported that has arrived. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import type { Database } from '../../../db/pool.ts'
import type { ChangeCount } from '../../../db/queries/deployments.ts'
import { watchMissedEvents } from '../../../functions/live/missed-events.ts'

/** A watcher whose reads of the version the test answers one by one. */
async function startWatcher(firstVersion: number) {
  let resyncs = 0
  let onRead = Promise.withResolvers<(count: ChangeCount) => void>()
  const db = {
    one: () => {
      const answer = Promise.withResolvers<ChangeCount>()
      onRead.resolve(answer.resolve)
      return answer.promise
    },
  } as unknown as Database
  /** Waits for the next read, calls `meanwhile`, and answers the read with the version. */
  const answerRead = async (changes: number, meanwhile = () => {}, started = 'first') => {
    const answer = await onRead.promise
    onRead = Promise.withResolvers()
    meanwhile()
    answer({ changes, started })
  }
  const redis = { ping: async () => 'PONG' } as unknown as Redis
  const live = {
    resync: () => {
      resyncs += 1
    },
    setDelayed: () => {},
  }
  const starting = watchMissedEvents(db, pino({ level: 'silent' }), live, redis, 1)
  await answerRead(firstVersion)
  const watcher = await starting
  return { answerRead, recordRelayed: watcher.recordRelayed, stop: watcher.stop, resyncs: () => resyncs }
}

test('An event that arrives while the version is read is not taken for a missed one', async () => {
  const { answerRead, recordRelayed, stop, resyncs } = await startWatcher(10)
  // The change is committed after the read, and its event overtakes the answer.
  await answerRead(10, recordRelayed)
  await answerRead(11)
  await answerRead(11)
  await answerRead(11)
  stop()
  assert.equal(resyncs(), 0)
})

test('A change without an event is noticed once, also after events that were not counted', async () => {
  const { answerRead, recordRelayed, stop, resyncs } = await startWatcher(10)
  recordRelayed()
  // The event stood for no change.
  await answerRead(10)
  await answerRead(11)
  await answerRead(11)
  assert.equal(resyncs(), 0, 'an event may take one interval to arrive')
  await answerRead(11)
  await answerRead(11)
  stop()
  assert.equal(resyncs(), 1)
})

test('Clients read the list again when the count goes back, as after a restore that lost transactions', async () => {
  const { answerRead, recordRelayed, stop, resyncs } = await startWatcher(10)
  await answerRead(7)
  // What follows is compared with the count that went back.
  await answerRead(8, recordRelayed)
  await answerRead(8)
  await answerRead(8)
  stop()
  assert.equal(resyncs(), 1)
})

test('Clients read the list again after a failover whose new transactions hide the lost ones', async () => {
  const { answerRead, stop, resyncs } = await startWatcher(10)
  await answerRead(12, () => {}, 'promoted')
  await answerRead(12, () => {}, 'promoted')
  await answerRead(12, () => {}, 'promoted')
  stop()
  assert.equal(resyncs(), 1)
})
