/** Entries of the audit log: in the transaction of the change, append-only, and who reads them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setOwner } from '../../../../db/queries/access/owners.ts'
import { insertAuditEntry, systemActor } from '../../../../db/queries/audit/insert-entry.ts'
import {
  type AuditPosition,
  type AuditVisibility,
  readAuditPage,
  readNewEntries,
  readStreamStart,
} from '../../../../db/queries/audit/read-entries.ts'
import { requestCancel } from '../../../../db/queries/cancel-action.ts'
import { deleteDeployment } from '../../../../db/queries/delete-deployment.ts'
import { type AuditQuery, auditPage } from '../../../../domain/audit/audit-schemas.ts'
import { valueAdded } from '../../../../domain/overrides.ts'
import { actorNamed, anyRight, enqueue, testActor, useTestDatabase } from '../../fixtures.ts'

const db = useTestDatabase()
const everything: AuditVisibility = { grants: null, seesAccessLog: true, person: null }

const read = async (query: Partial<AuditQuery> = {}, visibility = everything) =>
  auditPage.parse(await readAuditPage(db.pool, { limit: 100, ...query }, visibility))
const entriesOf = async (deployment: string) => (await read({ deployment })).entries
const change = (level: string, key: string, before: unknown, after: unknown) => ({
  level,
  key,
  before,
  after,
})

test('Every accepted change has exactly one entry, and a refused one has none', async () => {
  const { actionId } = await enqueue(db, 'create', 'one', {
    address: '192.0.2.7',
    requestId: 'r-1',
    reason: 'why',
  })
  await assert.rejects(enqueue(db, 'create', 'one'), { code: 'name_taken' })
  await assert.rejects(enqueue(db, 'archive', 'one'), { code: 'busy' })
  await requestCancel(db.pool, actionId, actorNamed('carl'), anyRight)
  await requestCancel(db.pool, actionId, actorNamed('carl'), anyRight)
  const owner = { issuer: 'i', subject: 's', name: 'Anna' }
  await setOwner(db.pool, 'one', owner, testActor, anyRight, undefined, async () => ({
    arrivedAtMs: Date.now(),
    notAfterMs: Date.now() + 60_000,
  }))
  await deleteDeployment(db.pool, 'one', testActor, undefined)
  const entries = await entriesOf('one')
  assert.deepEqual(
    entries.map(({ operation, actor }) => `${operation} ${actor}`),
    ['delete ann', 'change_owner ann', 'cancel carl', 'create ann'],
  )
  const [, ownerChange, , create] = entries
  assert.deepEqual(ownerChange?.details.owner, { before: null, after: 'Anna (s of i)' })
  assert.partialDeepStrictEqual(create, {
    outcome: 'accepted',
    action_id: actionId,
    proof: 'shared',
    address: '192.0.2.7',
    request_id: 'r-1',
    reason: 'why',
    count: 1,
    details: { status: { before: null, after: 'CreatePending' } },
  })
})

test('An entry has the description of the server, unless another request has changed the config first', async () => {
  const overrides = (value: string) => ({ application: [valueAdded('image.tag', value)], deployment: [] })
  const described = { changes: [change('application', 'image.tag', null, { tag: 'value', text: 'v1' })] }
  await enqueue(db, 'create', 'config', {
    overrides: overrides('v1'),
    changes: { details: described as never, revision: 0 },
  })
  await db.raw(
    `update actions set state = 'cancelled', finished_at = now() where deployment_id = (select id from deployments where name = 'config')`,
  )
  await db.raw(`update deployments set status = 'Running' where name = 'config'`)
  await enqueue(db, 'update', 'config', {
    overrides: { application: [valueAdded('image.tag', 'TOPSECRET')], deployment: [valueAdded('size', '1')] },
    changes: { details: described as never, revision: 0 },
  })
  const [update, create] = await entriesOf('config')
  assert.deepEqual(create?.details.changes, described.changes)
  assert.deepEqual(update?.details.changes, [
    change('application', 'image.tag', { tag: 'masked' }, { tag: 'masked' }),
    change('deployment', 'size', null, { tag: 'masked' }),
  ])
  assert.deepEqual(update?.details.status, { before: 'Running', after: 'UpdatePending' })
})

test('A transaction that fails leaves neither a change nor an entry', async () => {
  await assert.rejects(
    enqueue(db, 'create', 'late', {}, async () => ({ arrivedAtMs: 0, notAfterMs: Date.now() - 60_000 })),
  )
  assert.deepEqual(await entriesOf('late'), [])
})

test('No entry can be changed or removed, also not in a partition', async () => {
  await enqueue(db, 'create', 'kept')
  const [{ table }] = await db.raw(`select tableoid::regclass::text as table from audit_entries limit 1`)
  assert.match(table, /^audit_entries_\d{4}_\d\d$/)
  for (const target of ['audit_entries', table, 'audit_entries_default', 'audit_seals'])
    await assert.rejects(db.raw(`truncate ${target}`), /append-only/, target)
  for (const target of ['audit_entries', table]) {
    await assert.rejects(db.raw(`update ${target} set actor = 'x'`), /append-only/)
    await assert.rejects(db.raw(`delete from ${target}`), /append-only/)
  }
})

test('The texts of an entry are bounded, whatever calls the function', async () => {
  const long = 'x'.repeat(100_000)
  const by = { ...systemActor, actor: long, reason: long, address: long, claimedActor: long }
  await insertAuditEntry(db.pool, {
    by,
    operation: 'create',
    deployment: 'bounded',
    details: { message: long },
  })
  const [entry] = await entriesOf('bounded')
  assert.deepEqual(entry?.details, { is_cut: true })
  assert.ok(JSON.stringify(entry).length < 3000)
})

test('Partitions exist for this month and the next two, and making them again changes nothing', async () => {
  const partitions = () =>
    db.raw(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_entries'::regclass order by 1`,
    )
  const before = await partitions()
  assert.equal(before.length, 4)
  assert.deepEqual(await db.raw('select create_audit_partitions() as created'), [{ created: 0 }])
  assert.deepEqual(await partitions(), before)
})

test('Entries of a month without a partition go to the default partition', async () => {
  await db.raw(`insert into audit_entries (at, operation, outcome, actor, proof, deployment)
    values ('2001-02-03', 'create', 'accepted', 'ann', 'shared', 'long-ago')`)
  assert.equal((await entriesOf('long-ago')).length, 1)
})

test('Writers beside each other do not wait for each other', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, at) => enqueue(db, 'create', `beside-${at}`)))
  const { entries } = await read({ operation: 'create', limit: 500 })
  assert.equal(entries.filter(({ deployment }) => deployment?.startsWith('beside-')).length, 40)
})

test('Pages follow each other without a gap and without repetition', async () => {
  for (let at = 0; at < 23; at += 1)
    await insertAuditEntry(db.pool, { by: actorNamed('pager'), operation: 'update', deployment: `p-${at}` })
  const seen: number[] = []
  let next: number | null | undefined
  do {
    const page = await read({ actor: 'pager', limit: 5, ...(next == null ? {} : { before: next }) })
    seen.push(...page.entries.map(({ id }) => id))
    next = page.next_before
  } while (next !== null)
  assert.equal(seen.length, 23)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => b - a),
  )
  assert.equal(new Set(seen).size, 23)
})

test('Every filter finds what it names', async () => {
  const anna = { issuer: 'i', subject: 'anna-subject' }
  const by = { ...testActor, actor: 'Anna Name', person: anna, claimedActor: 'anna-laptop' }
  const id = await insertAuditEntry(db.pool, {
    by,
    operation: 'archive',
    outcome: 'refused',
    deployment: 'found',
  })
  const ids = async (query: Partial<AuditQuery>) => (await read(query)).entries.map((entry) => entry.id)
  for (const actor of ['Anna Name', 'anna-subject', 'anna-laptop'])
    assert.deepEqual(await ids({ actor }), [id])
  assert.deepEqual(await ids({ deployment: 'found' }), [id])
  assert.deepEqual(await ids({ operation: 'archive' }), [id])
  assert.deepEqual(await ids({ outcome: 'refused' }), [id])
  assert.deepEqual(await ids({ actor: 'anna-subject', operation: 'archive', outcome: 'refused' }), [id])
  assert.deepEqual(await ids({ actor: 'anna-subject', operation: 'create' }), [])
  const { at } = (await read({ deployment: 'found' })).entries[0] ?? { at: '' }
  assert.deepEqual(await ids({ deployment: 'found', since: at }), [id])
  assert.deepEqual(await ids({ deployment: 'found', until: at }), [])
})

test('A reader sees entries of its names and its own; addresses only admins and the person itself', async () => {
  const anna = { issuer: 'i', subject: 'anna-2' }
  const by = { ...testActor, person: anna, address: '192.0.2.1' }
  await insertAuditEntry(db.pool, { by, operation: 'update', deployment: 'team-a' })
  await insertAuditEntry(db.pool, { by, operation: 'update', deployment: 'other-a' })
  await insertAuditEntry(db.pool, { by, operation: 'sign_in' })
  const seen = async (visibility: AuditVisibility) =>
    (await read({ actor: 'anna-2' }, visibility)).entries.map((entry) =>
      `${entry.operation} ${entry.deployment ?? ''} ${entry.address ?? ''}`.trim(),
    )
  const limited = { grants: [{ names: ['team-*'] }], seesAccessLog: false, person: null }
  assert.deepEqual(await seen(everything), [
    'sign_in  192.0.2.1',
    'update other-a 192.0.2.1',
    'update team-a 192.0.2.1',
  ])
  assert.deepEqual(await seen({ ...everything, seesAccessLog: false }), ['update other-a', 'update team-a'])
  assert.deepEqual(await seen(limited), ['update team-a'])
  assert.deepEqual(await seen({ ...limited, grants: [{ names: ['*'], within: ['other-*'] }] }), [
    'update other-a',
  ])
  assert.deepEqual(await seen({ ...limited, grants: [] }), [])
  // Not those about names that it may not read: it would learn that they exist.
  assert.deepEqual(await seen({ ...limited, person: anna }), [
    'sign_in  192.0.2.1',
    'update team-a 192.0.2.1',
  ])
})

test('A read of new entries compares a bounded number, and says where to read on', async () => {
  const { at } = await readStreamStart(db.pool, {})
  await db.raw(`select insert_audit_entry('update', 'accepted', 'x', null, null, 'shared', null, null, null, null, null,
    case when n in (10, 6500) then 'seen-1' else 'other' end, null, 1, '{}') from generate_series(1, 7000) n`)
  const visibility = { grants: [{ names: ['seen-*'] }], seesAccessLog: false, person: null }
  let from: AuditPosition = { at: at ?? '', id: 0 }
  const pages: number[] = []
  const found: number[] = []
  for (;;) {
    const { entries, next } = await readNewEntries(db.pool, {}, visibility, { from, known: [], limit: 200 })
    pages.push(entries.length)
    found.push(...entries.map(({ id }) => id))
    if (next === null) break
    from = next
  }
  assert.deepEqual(pages, [1, 0, 1])
  const known = found.slice(0, 1)
  const again = await readNewEntries(db.pool, {}, visibility, {
    from: { at: at ?? '', id: 0 },
    known,
    limit: 200,
  })
  assert.deepEqual([again.entries.length, again.next === null], [0, false])
  const full = await readNewEntries(db.pool, {}, everything, {
    from: { at: at ?? '', id: 0 },
    known: [],
    limit: 2,
  })
  assert.equal(full.next?.id, full.entries[1]?.id)
})

test('A reader begins after an entry that is there, or at a time, or nowhere', async () => {
  const id = await insertAuditEntry(db.pool, { by: testActor, operation: 'update', deployment: 'start' })
  const [entry] = await entriesOf('start')
  const since = '2026-01-01T00:00:00.000000Z'
  assert.deepEqual(await readStreamStart(db.pool, { after: entry?.id, since }), {
    at: entry?.at,
    isAfter: true,
  })
  const unknown = (entry?.id ?? 0) + 1_000_000
  assert.deepEqual(await readStreamStart(db.pool, { after: unknown, since }), { at: since, isAfter: false })
  assert.deepEqual(await readStreamStart(db.pool, { after: unknown }), { at: null, isAfter: false })
  assert.ok(id)
})

test('A server of an earlier version writes entries too', async () => {
  await db.raw(
    `select enqueue_action('old-server', 'create', '{}', 'CreatePending', '[["a",{"tag":"ValueAdded","contents":"1"}]]', '[]',
      'ann', 'octo', null, true, null, null, null, null, null, 'shared', null, 'all')`,
  )
  const [entry] = await entriesOf('old-server')
  assert.deepEqual(entry?.details.changes, [change('application', 'a', null, { tag: 'masked' })])
})
