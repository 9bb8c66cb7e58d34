/** The chain of the audit log: sealing, verifying, removing old months, and what verification finds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from '../../../../db/pool.ts'
import { insertAuditEntry, systemActor } from '../../../../db/queries/audit/insert-entry.ts'
import {
  createAuditPartitions,
  deleteOldOutputReads,
  readAuditState,
  removeOldEntries,
  sealEntries,
} from '../../../../db/queries/audit/seals.ts'
import { verifyAuditLog } from '../../../../db/queries/audit/verify.ts'
import { type AuditVerification, auditVerification } from '../../../../domain/audit/audit-schemas.ts'
import { createDatabase } from '../../../helpers/datastores.ts'
import { withDatabase } from '../../../helpers/with-database.ts'
import { actorNamed, enqueue, type TestDatabase, useTestDatabase } from '../../fixtures.ts'

const dayMs = 86_400_000

/** Each test has a database of its own, because a chain is one for all. */
async function inDatabase(work: (db: TestDatabase) => Promise<void>): Promise<void> {
  const database = await createDatabase()
  const pool = await openPool(database.url, { size: 5 })
  const raw = (text: string, values?: unknown[]) =>
    withDatabase(database.url, async (client) => (await client.query(text, values)).rows)
  try {
    await work({ url: database.url, pool, raw })
  } finally {
    await pool.end()
    await database.drop()
  }
}

const write = ({ pool }: TestDatabase, name = 'one') =>
  insertAuditEntry(pool, {
    by: actorNamed('ann'),
    operation: 'update',
    deployment: name,
    details: { message: 'ü"\\' },
  })
async function sealAll({ pool }: TestDatabase, limit = 1000): Promise<void> {
  while ((await sealEntries(pool, limit)) !== null);
}
const verify = async ({ pool }: TestDatabase, head?: string): Promise<AuditVerification> =>
  auditVerification.parse(await verifyAuditLog(pool, 0, head))
const kindsOf = async (db: TestDatabase, head?: string) =>
  (await verify(db, head)).problems.map(({ kind, seal }) => `${kind} ${seal ?? ''}`.trim())
/** As somebody with all rights in the database, who goes around the triggers. */
const tamper = (db: TestDatabase, statement: string) =>
  db.raw(`set session_replication_role = replica; ${statement}`)

test('Seals cover every entry once, in batches, and the chain verifies', () =>
  inDatabase(async (db) => {
    assert.deepEqual(await readAuditState(db.pool), { seal: 0, unsealed: 0, oldestUnsealedSeconds: 0 })
    for (let at = 0; at < 25; at += 1) await write(db)
    assert.equal((await readAuditState(db.pool)).unsealed, 25)
    await sealAll(db, 10)
    assert.equal(await sealEntries(db.pool, 10), null)
    const { problems, head, ...rest } = await verify(db)
    assert.deepEqual(problems, [])
    assert.equal(head?.seal, 3)
    assert.deepEqual(
      { ...rest, unsealed: rest.unsealed.entries },
      {
        checked_seals: 3,
        checked_entries: 25,
        next_after: null,
        given_head_seal: null,
        unsealed: 0,
        removed_until: null,
      },
    )
    assert.equal((await verify(db, head?.hash)).given_head_seal, 3)
  }))

test('A transaction that is open while others are sealed is sealed after its commit', () =>
  inDatabase(async (db) => {
    await withDatabase(db.url, async (client) => {
      await client.query('begin')
      await client.query(
        `insert into audit_entries (operation, outcome, actor, proof) values ('create', 'accepted', 'late', 'shared')`,
      )
      await write(db)
      await sealAll(db)
      assert.equal((await verify(db)).checked_entries, 1)
      await client.query('commit')
    })
    await sealAll(db)
    const { checked_entries, problems } = await verify(db)
    assert.deepEqual({ checked_entries, problems }, { checked_entries: 2, problems: [] })
  }))

test('A sealer that is killed leaves the chain as it was, and two at a time make one chain', () =>
  inDatabase(async (db) => {
    for (let at = 0; at < 20; at += 1) await write(db)
    await withDatabase(db.url, async (client) => {
      await client.query('begin')
      await client.query('select seal_audit_entries(5)')
      // Another sealer does not wait for it.
      assert.equal(await sealEntries(db.pool, 5), null)
      const [{ pid }] = (await client.query('select pg_backend_pid() as pid')).rows
      client.on('error', () => {})
      await db.raw('select pg_terminate_backend($1)', [pid])
    }).catch(() => {})
    assert.equal((await verify(db)).checked_seals, 0)
    await Promise.all(Array.from({ length: 4 }, () => sealAll(db, 3)))
    await sealAll(db)
    const { checked_entries, problems } = await verify(db)
    assert.deepEqual({ checked_entries, problems }, { checked_entries: 20, problems: [] })
  }))

test('Verification finds every way to change entries and seals, and says where', () =>
  inDatabase(async (db) => {
    const ids: number[] = []
    for (let at = 0; at < 12; at += 1) ids.push(await write(db))
    await sealAll(db, 3)
    const { head } = await verify(db)
    const restoreAfter = async (statement: string, undo: string, expected: string[]) => {
      await tamper(db, statement)
      assert.deepEqual(await kindsOf(db, head?.hash), expected, statement)
      await tamper(db, undo)
      assert.deepEqual(await kindsOf(db, head?.hash), [], undo)
    }
    const [first, second] = ids
    await restoreAfter(
      `update audit_entries set actor = 'bob' where id = ${first}`,
      `update audit_entries set actor = 'ann' where id = ${first}`,
      ['entries_changed 1'],
    )
    await restoreAfter(
      `update audit_entries set details = '{}' where id = ${ids[4]}`,
      `update audit_entries set details = (select details from audit_entries where id = ${first}) where id = ${ids[4]}`,
      ['entries_changed 2'],
    )
    await restoreAfter(
      `update audit_seals set entry_ids = '{1}' where id = 2`,
      `update audit_seals set entry_ids = '{${ids.slice(3, 6).join(',')}}' where id = 2`,
      ['seal_changed 2', 'entries_missing 2', 'entries_sealed_twice', 'entries_unsealed'],
    )
    await tamper(db, `create table kept_entry as select * from audit_entries where id = ${second}`)
    await restoreAfter(
      `delete from audit_entries where id = ${second}`,
      'insert into audit_entries select * from kept_entry',
      ['entries_missing 1'],
    )
    await tamper(db, 'create table kept_seals as select * from audit_seals')
    await restoreAfter(
      'delete from audit_seals where id = 3',
      'insert into audit_seals select * from kept_seals where id = 3',
      ['seals_missing 4', 'entries_unsealed'],
    )
    await restoreAfter(
      'delete from audit_seals where id = 1',
      'insert into audit_seals select * from kept_seals where id = 1',
      ['seals_missing 2', 'entries_unsealed'],
    )
    // The end of the chain with its entries: only a head that was written elsewhere shows it.
    await tamper(
      db,
      `create table kept_end as select * from audit_entries where id >= ${ids[9]};
       delete from audit_seals where id = 4; delete from audit_entries where id >= ${ids[9]}`,
    )
    assert.deepEqual(await kindsOf(db), [])
    assert.deepEqual(await kindsOf(db, head?.hash), ['head_unknown'])
    await tamper(
      db,
      'insert into audit_seals select * from kept_seals where id = 4; insert into audit_entries select * from kept_end',
    )
    await restoreAfter(
      `insert into audit_entries (id, operation, outcome, actor, proof) values (9999, 'delete', 'accepted', 'forged', 'shared')`,
      'delete from audit_entries where id = 9999',
      ['entries_unsealed'],
    )
  }))

test('An entry that was added is found although another one was removed with its seal', () =>
  inDatabase(async (db) => {
    for (let at = 0; at < 6; at += 1) await write(db)
    await sealAll(db, 3)
    await tamper(
      db,
      `delete from audit_entries where id = (select max(id) from audit_entries);
       insert into audit_entries (id, operation, outcome, actor, proof) values (9999, 'delete', 'accepted', 'forged', 'shared')`,
    )
    const { problems } = await verify(db)
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['entries_missing', 'entries_unsealed'],
    )
    assert.deepEqual(problems.at(-1)?.entry_ids, [9999])
  }))

test('An entry with the id of a sealed one and another time is found', () =>
  inDatabase(async (db) => {
    const id = await write(db)
    await sealAll(db)
    await tamper(
      db,
      `insert into audit_entries (id, at, operation, outcome, actor, proof)
       values (${id}, now() - interval '1 hour', 'delete', 'accepted', 'forged', 'shared')`,
    )
    assert.deepEqual(await kindsOf(db), ['entries_unsealed'])
  }))

test('An entry that was sealed again is in two seals', () =>
  inDatabase(async (db) => {
    const id = await write(db)
    await sealAll(db)
    await db.raw('insert into audit_unsealed select id, at from audit_entries')
    await sealAll(db)
    const { problems } = await verify(db)
    assert.deepEqual(
      problems.map(({ kind, entry_ids }) => [kind, entry_ids]),
      [['entries_sealed_twice', [id]]],
    )
    // In pages of one seal too.
    const second = await verifyAuditLog(db.pool, 1, undefined)
    assert.deepEqual(
      second.problems.map(({ kind }) => kind),
      ['entries_sealed_twice'],
    )
  }))

test('Entries are not removed by an entry that Octopod has not written, whatever it says', () =>
  inDatabase(async (db) => {
    const id = await write(db)
    await sealAll(db)
    const month = '2020-03-01T00:00:00.000000Z'
    const forge = (details: object) =>
      insertAuditEntry(db.pool, {
        by: systemActor,
        operation: 'remove_old_entries',
        details: { partition: 'audit_entries_2026_02', ...details },
      })
    await forge({ until: '2999-01-01T00:00:00.000000Z' })
    await forge({ until: '2020-01-15T00:00:00.000000Z' })
    await forge({ until: 'tomorrow' })
    await forge({ until: { deep: 1 } })
    await forge({})
    await forge({ until: month, last_seal: 'x', last_hash: 'y' })
    await forge({ until: month, last_seal: '99999999999999999999999', last_hash: '0'.repeat(64) })
    await tamper(
      db,
      `delete from audit_entries where id = ${id};
       insert into audit_entries (id, operation, outcome, actor, proof, details)
       values (9999, 'remove_old_entries', 'accepted', 'octopod', 'system', '{"until":"${month}","partition":"audit_entries_2026_02"}')`,
    )
    await sealAll(db)
    const { problems } = await verify(db)
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['entries_missing', 'entries_unsealed', ...Array.from({ length: 7 }, () => 'removal_invalid')],
    )
  }))

test('An entry that is committed after many later ones are sealed has its seal on a later page', () =>
  inDatabase(async (db) => {
    await withDatabase(db.url, async (client) => {
      await client.query('begin')
      await client.query(
        `insert into audit_entries (operation, outcome, actor, proof) values ('create', 'accepted', 'late', 'shared')`,
      )
      await db.raw(`select insert_audit_entry('update', 'accepted', 'ann', null, null, 'shared', null, null, null, null, null, 'x', null, 1, '{}')
        from generate_series(1, 6000)`)
      await sealAll(db)
      await client.query('commit')
    })
    await sealAll(db)
    for (let after: number | null = 0; after !== null; ) {
      const page: AuditVerification = await verifyAuditLog(db.pool, after, undefined)
      assert.deepEqual(page.problems, [])
      after = page.next_after
    }
  }))

test('A long chain is verified in pages', () =>
  inDatabase(async (db) => {
    await db.raw(`select insert_audit_entry('update', 'accepted', 'ann', null, null, 'shared', null, null, null, null, null, 'x', null, 1, '{}')
      from generate_series(1, 12000)`)
    await sealAll(db)
    let after: number | null = 0
    const pages: AuditVerification[] = []
    while (after !== null) {
      pages.push(await verifyAuditLog(db.pool, after, undefined))
      after = pages.at(-1)?.next_after ?? null
    }
    assert.equal(pages.length, 4)
    assert.deepEqual(
      pages.flatMap(({ problems }) => problems),
      [],
    )
    assert.equal(
      pages.reduce((sum, page) => sum + page.checked_entries, 0),
      12_000,
    )
  }))

/** Entries of these months, each sealed in its month. */
async function writeMonths(db: TestDatabase, months: readonly string[]): Promise<void> {
  for (const month of months) {
    const [from, table] = [`${month}-01`, month.replace('-', '_')]
    for (const parent of ['audit_entries', 'audit_seals'])
      await db.raw(`create table ${parent}_${table} partition of ${parent}
        for values from ('${from} 00:00+00') to ('${from} 00:00+00'::timestamptz + interval '1 month')`)
    await db.raw(`insert into audit_entries (at, operation, outcome, actor, proof, deployment)
      select '${from} 12:00+00'::timestamptz + n * interval '1 hour', 'update', 'accepted', 'ann', 'shared', 'x' from generate_series(1, 5) n`)
  }
}

test('Old months are removed with a record, and the chain still verifies', () =>
  inDatabase(async (db) => {
    await writeMonths(db, ['2020-01', '2020-02', '2020-03'])
    assert.equal(await removeOldEntries(db.pool, 400 * dayMs), null, 'not before they are sealed')
    await sealAll(db)
    await write(db)
    await sealAll(db)
    const { head } = await verify(db)
    await db.raw(`insert into pauses (what, paused_by, reason) values ('retention', 'ann', 'backup')`)
    assert.equal(await removeOldEntries(db.pool, 400 * dayMs), null, 'not while retention is paused')
    await db.raw('delete from pauses')
    const removed: (string | null)[] = []
    while (removed.at(-1) !== null) removed.push(await removeOldEntries(db.pool, 400 * dayMs))
    assert.deepEqual(removed, [
      'audit_entries_2020_01',
      'audit_entries_2020_02',
      'audit_entries_2020_03',
      null,
    ])
    await sealAll(db)
    const after = await verify(db, head?.hash)
    assert.deepEqual(after.problems, [])
    assert.equal(after.removed_until, '2020-04-01T00:00:00.000000Z')
    // What is left: one entry, and one for each removal.
    assert.equal(after.checked_entries, 4)
    const records = await db.raw(
      `select details from audit_entries where operation = 'remove_old_entries' order by id`,
    )
    assert.deepEqual(
      records.map(({ details }) => [details.partition, details.entries]),
      [
        ['audit_entries_2020_01', 5],
        ['audit_entries_2020_02', 5],
        ['audit_entries_2020_03', 5],
      ],
    )
  }))

test('The chain continues when all of its seals were removed', () =>
  inDatabase(async (db) => {
    await writeMonths(db, ['2020-01'])
    await sealAll(db)
    // As if they were sealed at that time.
    await tamper(
      db,
      `update audit_seals set sealed_at = '2020-01-30'; update audit_seals s set hash = hash_audit_seal(s)`,
    )
    const [{ id, hash }] = await db.raw(
      `select id, encode(hash, 'hex') as hash from audit_seals order by id desc limit 1`,
    )
    assert.equal(await removeOldEntries(db.pool, 400 * dayMs), 'audit_entries_2020_01')
    assert.deepEqual(await db.raw('select * from audit_seals'), [])
    await sealAll(db)
    const [next] = await db.raw(`select id, encode(previous_hash, 'hex') as previous from audit_seals`)
    assert.deepEqual(next, { id: String(Number(id) + 1), previous: hash })
    assert.deepEqual(await kindsOf(db), [])
    assert.deepEqual(await kindsOf(db, hash), [], 'the removed head is known')
    await tamper(db, `delete from audit_entries where operation = 'remove_old_entries'`)
    assert.ok((await kindsOf(db)).includes(`seals_missing ${Number(id) + 1}`))
  }))

test('Entries without a partition are removed too, and the default partition exists again', () =>
  inDatabase(async (db) => {
    await db.raw(
      `insert into audit_entries (at, operation, outcome, actor, proof) values ('2019-05-05', 'update', 'accepted', 'ann', 'shared')`,
    )
    await sealAll(db)
    assert.equal(await removeOldEntries(db.pool, 400 * dayMs), 'audit_entries_default')
    await sealAll(db)
    assert.deepEqual(await kindsOf(db), [])
    await db.raw(
      `insert into audit_entries (at, operation, outcome, actor, proof) values ('2019-05-05', 'update', 'accepted', 'ann', 'shared')`,
    )
    await assert.rejects(db.raw('truncate audit_entries_default'), /append-only/)
    await assert.rejects(removeOldEntries(db.pool, 1000), /kept for a day/)
  }))

test('Writers go on while a backup holds a lock that the removal needs', () =>
  inDatabase(async (db) => {
    await writeMonths(db, ['2020-01'])
    await sealAll(db)
    await withDatabase(db.url, async (client) => {
      await client.query('begin; lock table audit_entries in access share mode')
      const removal = assert.rejects(removeOldEntries(db.pool, 400 * dayMs), /lock timeout/)
      await enqueue(db, 'create', 'beside')
      await removal
    })
    assert.equal(await removeOldEntries(db.pool, 400 * dayMs), 'audit_entries_2020_01')
  }))

test('A user without rights to change tables writes, reads and keeps the log; he cannot remove anything', () =>
  inDatabase(async (db) => {
    await db.raw(`create role audit_app_${process.pid} login;
      grant select, insert on audit_entries, audit_seals to audit_app_${process.pid};
      grant select, insert, delete on audit_unsealed to audit_app_${process.pid};
      grant usage on sequence audit_entry_id to audit_app_${process.pid};
      grant execute on function create_audit_partitions(), remove_old_audit_entries(interval) to audit_app_${process.pid}`)
    try {
      await withDatabase(db.url, async (client) => {
        await client.query(`set role audit_app_${process.pid}`)
        await client.query(
          `select insert_audit_entry('update', 'accepted', 'ann', null, null, 'shared', null, null, null, null, null, 'x', null, 1, '{}')`,
        )
        await client.query('select seal_audit_entries(10)')
        await client.query('select create_audit_partitions()')
        await client.query(`select remove_old_audit_entries(interval '400 days')`)
        for (const statement of [
          'update audit_entries set actor = $1',
          'delete from audit_entries where actor = $1',
        ])
          await assert.rejects(client.query(statement, ['x']), /permission denied/)
        await assert.rejects(client.query('drop table audit_entries'), /must be owner/)
      })
      assert.deepEqual(await kindsOf(db), [])
    } finally {
      await db.raw(`drop owned by audit_app_${process.pid}; drop role audit_app_${process.pid}`)
    }
  }))

test('The chain verifies in a copy that was loaded from text, as after a dump and a restore', () =>
  inDatabase(async (db) => {
    for (let at = 0; at < 5; at += 1) await write(db, `d-${at}`)
    await sealAll(db)
    await write(db)
    await inDatabase(async (copy) => {
      for (const table of ['audit_entries', 'audit_seals', 'audit_unsealed']) {
        // In another time zone, as a dump may be read.
        const rows = await db.raw(`select row::text as text from ${table} as row`)
        for (const { text } of rows)
          await withDatabase(copy.url, async (client) => {
            // A restore loads the rows before it makes the triggers.
            await client.query(`set session_replication_role = replica; set timezone = 'Asia/Tokyo'`)
            await client.query(`insert into ${table} select ($1::${table}).*`, [text])
          })
      }
      assert.deepEqual(await kindsOf(copy), [])
      await copy.raw(`select setval('audit_entry_id', 1000)`)
      await write(copy)
      await sealAll(copy)
      const { checked_entries, problems } = await verify(copy)
      assert.deepEqual({ checked_entries, problems }, { checked_entries: 7, problems: [] })
    })
  }))

test('The hash of an entry is the same with every version of PostgreSQL and with any settings', () =>
  inDatabase(async (db) => {
    await withDatabase(db.url, async (client) => {
      await client.query(`set timezone = 'Asia/Tokyo'; set datestyle = 'German'`)
      const { rows } = await client.query(
        `select encode(hash_audit_entry(row(7, '2026-11-30 10:20:30.123456+00', 'update', 'accepted', 'Ünï "quoted"',
           'https://login.example', 'anna', 'oidc', null, 'page', E'line 1\\nline 2', '2001:db8::1', 'r-1', 'shop-1', 42, 1,
           '{"b": 1.50, "a": "ü\\\\n"}')::audit_entries), 'hex') as hash`,
      )
      // Computed with PostgreSQL 15.
      assert.equal(rows[0].hash, '7f68e66d77e87938813737121fbca23426e23db93c525a6d065b7507cb11ee62')
    })
  }))

const shared = useTestDatabase()

test('Records of who has read output are kept for two hours, and partitions are made ahead', async () => {
  await shared.raw(
    `insert into audit_output_reads values ('a', 1, now() - interval '3 hours'), ('a', 1, now())`,
  )
  assert.equal(await deleteOldOutputReads(shared.pool), false)
  assert.equal((await shared.raw('select * from audit_output_reads')).length, 1)
  assert.equal(await createAuditPartitions(shared.pool), 0)
})
