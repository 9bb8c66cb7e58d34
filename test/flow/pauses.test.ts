/** Pauses of checks, retention and notifications: what stops, what goes on, and who may pause. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Pause } from '../../domain/pauses/pause.ts'
import { delay } from '../../lib/delay.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWebSocket } from '../helpers/websocket-client.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '0.5', ARCHIVE_RETENTION: '1' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const pause = (what: string, body: unknown = { reason: 'test' }) =>
  octopod.api('PUT', `/pauses/${what}`, body)
const resume = (what: string) => octopod.api('DELETE', `/pauses/${what}`)
const listPauses = async () => (await octopod.api('GET', '/pauses')).body as Pause[]

const checkCalls = async () => (await system.scriptCalls('check')).length

/** Longer than a round of every schedule that could start one of them. */
const roundsMs = 6000

test('While everything is paused nothing of it starts, also not with a new runner, and all of it follows afterwards', async () => {
  await octopod.create('old')
  await octopod.waitForStatus('old', 'Running')
  await pause('retention')
  await octopod.archive('old')
  await octopod.waitForStatus('old', 'Archived')
  await waitFor('the notifications so far', async () => {
    const { length } = await system.scriptCalls('notifications')
    return { done: length === 3, value: length, seen: length }
  })
  await octopod.create('stays')
  await octopod.waitForStatus('stays', 'Running')
  await pause('notifications')
  await pause('checks', { reason: ' cluster upgrade ' })
  const before = await waitFor('what runs already has ended', async () => {
    const first = await checkCalls()
    await delay(1500)
    const leases = await withDatabase(system.databaseUrl, async (db) => {
      const { rowCount } = await db.query('select from deployment_checks where lease_expires_at > now()')
      return rowCount
    })
    return { done: leases === 0 && (await checkCalls()) === first, value: first, seen: { first, leases } }
  })

  await writeFile(join(system.dir, 'check-stays'), '2\n')
  system.runner.signal('SIGKILL')
  await system.runner.exited
  await system.startRunner()
  await delay(roundsMs)
  assert.equal(await checkCalls(), before)
  // Actions and the checks after them go on, so a deployment takes the next action.
  await octopod.create('new')
  await octopod.waitForStatus('new', 'Running')
  const updated = await octopod.update('new')
  assert.equal(updated.status, 200)
  assert.equal((await octopod.waitForActionEnd(getActionId(updated))).state, 'succeeded')
  const checked = await octopod.waitForStatus('new', 'Running')
  assert.ok(checked.checks_paused_since)
  assert.equal((await system.scriptCalls('notifications')).filter((call) => call.includes('new')).length, 0)
  const stays = await octopod.waitForStatus('stays', 'Running')
  assert.equal(stays.checks_paused_since, checked.checks_paused_since)
  await octopod.waitForStatus('old', 'Archived')
  const [checks, ...others] = await listPauses()
  assert.deepEqual(
    [checks, ...others].map((one) => one?.what),
    ['checks', 'notifications', 'retention'],
  )
  assert.equal(checks?.reason, 'cluster upgrade')
  assert.equal(checks?.until, null)

  for (const what of ['checks', 'retention', 'notifications']) assert.equal((await resume(what)).status, 200)
  await octopod.waitForStatus('stays', 'PartialAvailability')
  await octopod.waitUntilDeleted('old')
  const sent = await waitFor('the notifications that have waited', async () => {
    const calls = (await system.scriptCalls('notifications')).filter((call) => call.includes('new'))
    return { done: calls.length >= 3, value: calls, seen: calls }
  })
  assert.deepEqual(
    sent.map((call) => `${call.at(-3)} → ${call.at(-1)}`),
    ['CreatePending → Running', 'Running → UpdatePending', 'UpdatePending → Running'],
  )
})

test('A pause ends by itself, and connected clients learn its beginning and its end at once', async () => {
  const client = await connectWebSocket(system.url)
  const pausedIn = (messages: typeof client.messages) => {
    const last = messages.findLast((message) => message.type === 'heartbeat' || message.type === 'hello')
    return last !== undefined && 'paused' in last ? (last.paused ?? []) : []
  }
  const other = await system.startServer()
  const distant = await connectWebSocket(other.url)
  const started = await pause('checks', { reason: 'short', for_seconds: 600 })
  assert.equal(started.status, 200)
  const { since, until, by } = started.body as Pause
  assert.equal(Date.parse(String(until)) - Date.parse(since), 600_000)
  assert.ok(by.length > 0)
  for (const one of [client, distant])
    await one.until('the beginning', (messages) => pausedIn(messages)[0]?.reason === 'short')
  // The reason and the end change, and the beginning stays.
  const changed = (await pause('checks', { reason: 'shorter', for_seconds: 3 })).body as Pause
  assert.deepEqual([changed.since, changed.reason], [since, 'shorter'])
  for (const one of [client, distant]) {
    await one.until('the end', (messages) => one.messages.length > 1 && pausedIn(messages).length === 0)
    one.close()
  }
  assert.deepEqual(await listPauses(), [])
  const { body } = await octopod.api('GET', '/audit?operation=pause&limit=2')
  const entries = (body as { entries: { operation: string; reason: string | null; details: unknown }[] })
    .entries
  assert.deepEqual(
    entries.map(({ operation, reason }) => [operation, reason]),
    [
      ['pause', 'shorter'],
      ['pause', 'short'],
    ],
  )
  await other.stop()
})

test('The pause of somebody else is replaced only on request, and the audit log names it', async () => {
  const named = (name: string) => (body: unknown) =>
    octopod.api('PUT', '/pauses/retention', body, { 'Octopod-Actor': name })
  const [ann, ben] = [named('ann'), named('ben')]
  assert.equal((await ann({ reason: 'cluster upgrade', for_seconds: 36_000 })).status, 200)
  assert.equal((await ann({ reason: 'longer', for_seconds: 40_000 })).status, 200, 'the own one')
  const refused = await ben({ reason: 'quick test', for_seconds: 1 })
  assert.equal(refused.status, 409)
  const { error, error_message } = refused.body as { error: string; error_message: string }
  assert.match(`${error} ${error_message}`, /Retention is paused already, by ann .*until 20.* UTC: longer/)
  assert.deepEqual(
    (await listPauses()).map(({ reason }) => reason),
    ['longer'],
  )
  assert.equal((await ben({ reason: 'agreed', replace: true })).status, 200)
  const { body } = await octopod.api('GET', '/audit?operation=pause&limit=1')
  assert.match(JSON.stringify(body), /"replaced":"ann .*: longer"/)
  await resume('retention')
  assert.equal((await ann({ reason: 'nobody has one now' })).status, 200)
  await resume('retention')
})

test('Pauses of a later release are ignored', async () => {
  await withDatabase(system.databaseUrl, async (db) => {
    await db.query('alter table pauses drop constraint pause_known')
    await db.query("insert into pauses (what, paused_by, reason) values ('actions', 'ann', 'later')")
  })
  assert.deepEqual(await listPauses(), [])
  await withDatabase(system.databaseUrl, async (db) => {
    await db.query("delete from pauses where what = 'actions'")
  })
})

test('Bad pauses are refused with what is wrong, and nothing is paused', async () => {
  const cases: [string, unknown, RegExp][] = [
    ['everything', { reason: 'x' }, /"everything" cannot be paused: checks, retention, notifications/],
    ['checks', {}, /body\.reason/],
    ['checks', { reason: '  ' }, /needs a reason/],
    ['checks', { reason: 'x'.repeat(301) }, /too long \(301 characters\)/],
    ['checks', { reason: 'a\u202eb' }, /overrides the direction/],
    ['checks', { reason: 'a\nb' }, /control character/],
    ['checks', { reason: '\u200b\u200b' }, /invisible character/],
    ['checks', { reason: 'a\u2028b' }, /invisible character/],
    ['checks', { reason: 'a\u{e0041}' }, /invisible character/],
    ['checks', { reason: '\u3164' }, /everybody can read/],
    ['checks', { reason: '...' }, /everybody can read/],
    ['checks', { reason: `a${'\u0301'.repeat(200)}` }, /everybody can read/],
    ['checks', { reason: '\ud800' }, /not valid Unicode|not JSON/],
    ['checks', { reason: 'x', until: '2020-01-01T00:00:00Z' }, /has passed by the clock of the database/],
    ['checks', { reason: 'x', until: '9020-01-01T00:00:00Z' }, /more than a year away/],
    ['checks', { reason: 'x', until: 'tomorrow' }, /body\.until/],
    ['checks', { reason: 'x', until: '0000-01-01T00:00:00Z' }, /has passed/],
    ['checks', { reason: 'x', until: `2020-01-01T00:00:00.${'0'.repeat(1000)}Z` }, /body\.until/],
    ['checks', { reason: 'x', until: '2020-01-01T00:00:00+23:59' }, /has passed/],
    ['checks', { reason: 'x', for_seconds: 0 }, /body\.for_seconds/],
    ['checks', { reason: 'x', for_seconds: 60, until: '2099-01-01T00:00:00Z' }, /do not go together/],
    ['checks', { reason: 'x', other: 1 }, /other/],
  ]
  for (const [what, body, message] of cases) {
    const { status, text, body: error } = await pause(what, body)
    assert.equal(status, 400, text)
    assert.match((error as { error_message: string }).error_message, message)
  }
  assert.equal((await resume('everything')).status, 400)
  // Without a pause it changes nothing.
  assert.equal((await resume('checks')).status, 200)
  assert.deepEqual(await listPauses(), [])
})

test('A developer reads what is paused, and may not pause', async () => {
  const developer = createApiClient(system.url, null)
  assert.equal((await developer.api('GET', '/pauses')).status, 200)
  assert.equal((await developer.api('PUT', '/pauses/checks', { reason: 'x' })).status, 401)
  assert.equal((await developer.api('DELETE', '/pauses/checks')).status, 401)
})
