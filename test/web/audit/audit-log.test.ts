/** The entries that the page of the audit log shows: pages, new entries that wait, and answers that come late. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiClient } from '../../../client/call-endpoint.ts'
import type { AuditEntry } from '../../../domain/audit/audit-schemas.ts'
import { parseFilters } from '../../../web/audit/audit-filters.ts'
import { createAuditLog } from '../../../web/audit/audit-log.ts'
import { createServerClock } from '../../../web/live/server-clock.ts'

const nowMs = Date.now()
/** `at`: seconds after the start of the test. */
const entry = (id: number, at: number) =>
  ({ id, at: new Date(nowMs + at * 1000).toISOString() }) as AuditEntry

type Query = Record<string, string | number>
type Page = { entries: AuditEntry[]; next_before: number | null }

function openLog(answer: (query: Query) => Page | Promise<Page>) {
  const queries: Query[] = []
  const client = {
    call: async (_: string, { query }: { query: Query }) => {
      queries.push(query)
      return answer(query)
    },
  } as unknown as ApiClient
  const log = createAuditLog(client, createServerClock())
  return { log, queries, ids: () => log.entries.value?.map(({ id }) => id) ?? null }
}
const noFilters = parseFilters('')

test('Pages without a match are skipped, and after some of them the user decides', async () => {
  const { log, queries, ids } = openLog(({ before = 100 }) => {
    const next = Number(before) - 10
    return next === 30 ? { entries: [entry(30, -30)], next_before: null } : { entries: [], next_before: next }
  })
  await log.load(noFilters)
  assert.deepEqual([ids(), log.hasOlder.value, queries.length], [[], true, 5])
  await log.loadOlder()
  assert.deepEqual([ids(), log.hasOlder.value, queries.at(-1)?.before], [[30], false, 40])
})

test('New entries wait, also one that was committed late, and an older one is none', async () => {
  let page: Page = { entries: [entry(8, -1), entry(7, -2)], next_before: 7 }
  const { log, queries, ids } = openLog(() => page)
  await log.load(parseFilters('?actor=Ann&since=7d'))
  page = { entries: [entry(10, 3), entry(8, -1), entry(9, -1.5), entry(7, -2), entry(6, -3)], next_before: 6 }
  await log.poll()
  await log.poll()
  assert.deepEqual([ids(), log.newCount.value], [[8, 7], 2])
  const { actor, since } = queries.at(-1) ?? {}
  assert.equal(actor, 'Ann')
  assert.ok(Date.parse(String(since)) > nowMs - 70_000, 'reads only what may be new')
  await log.showNew()
  assert.deepEqual([ids(), log.newCount.value], [[10, 8, 9, 7], 0])
})

test('With too many new entries the list begins anew, because others may be between', async () => {
  let page: Page = { entries: [entry(1, -1)], next_before: null }
  const { log, ids } = openLog(() => page)
  await log.load(noFilters)
  page = {
    entries: Array.from({ length: 100 }, (_, index) => entry(400 - index, 400 - index)),
    next_before: 301,
  }
  await log.poll()
  assert.equal(log.newCount.value, 100)
  await log.showNew()
  assert.deepEqual([ids()?.[0], ids()?.length, log.hasOlder.value], [400, 100, true])
})

test('An answer to earlier filters is dropped', async () => {
  const first = Promise.withResolvers<Page>()
  const { log, ids } = openLog(({ actor }) =>
    actor === 'slow' ? first.promise : { entries: [entry(2, -1)], next_before: null },
  )
  const slow = log.load(parseFilters('?actor=slow'))
  await log.load(parseFilters('?actor=fast'))
  first.resolve({ entries: [entry(1, -1)], next_before: 1 })
  await slow
  assert.deepEqual([ids(), log.hasOlder.value, log.isLoading.value], [[2], false, false])
})

test('A failed first load is tried again, and a failed poll keeps what is shown', async () => {
  let isDown = true
  const { log, ids } = openLog(() => {
    if (isDown) throw new TypeError('fetch failed')
    return { entries: [entry(1, -1)], next_before: null }
  })
  await log.load(noFilters)
  await log.poll()
  assert.deepEqual([ids(), log.error.value !== null], [null, true])
  isDown = false
  await log.poll()
  assert.deepEqual([ids(), log.error.value], [[1], null])
  isDown = true
  await log.poll()
  assert.deepEqual([ids(), log.error.value !== null], [[1], true])
})
