import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type Database, openPool } from '../../../db/pool.ts'
import { createListCache } from '../../../functions/deployments/list-cache.ts'
import { createDatabase } from '../../helpers/datastores.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { testSecrets } from '../secrets/fixtures.ts'

let database: Awaited<ReturnType<typeof createDatabase>>
let db: Database
let raw: pg.Pool
before(async () => {
  database = await createDatabase()
  db = await openPool(database.url, { size: 5 })
  raw = new pg.Pool({ connectionString: database.url, max: 10 })
})
after(async () => {
  await raw?.end()
  await db?.end()
  await database?.drop()
})

const insert = (name: string) =>
  raw.query(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, 'Running', '[]', '[]', '[]')`,
    [name],
  )
const touch = (name: string) =>
  raw.query('update deployments set revision = default, updated_at = clock_timestamp() where name = $1', [
    name,
  ])
const remove = (name: string) => raw.query('delete from deployments where name = $1', [name])

const parse = ({ bytes }: { bytes: Uint8Array }) => JSON.parse(new TextDecoder().decode(bytes))
const truth = async () =>
  (await raw.query('select body from deployment_details order by updated_at desc, id desc')).rows.map(
    (row) => row.body,
  )

test('The list is empty at first, then sorted by newest change', async () => {
  const list = createListCache(db, testSecrets)
  assert.deepEqual(parse((await list.current()).array()), [])
  await insert('one')
  await insert('two')
  await touch('one')
  const names = parse((await list.current()).array()).map(
    (info: { deployment: { name: string } }) => info.deployment.name,
  )
  assert.deepEqual(names, ['one', 'two'])
  const again = (await list.current()).array()
  assert.equal((await list.current()).array().etag, again.etag)
  await touch('two')
  assert.notEqual((await list.current()).array().etag, again.etag)
})

test('The names are those of the list, in its order, with an ETag of their own', async () => {
  const list = createListCache(db, testSecrets)
  await insert('early')
  await insert('late')
  await touch('early')
  const current = await list.current()
  const names = (parsed: { deployment: { name: string } }[]) =>
    parsed.map(({ deployment }) => deployment.name)
  assert.deepEqual(parse(current.names()), names(parse(current.array())))
  assert.equal(current.names().etag, (await list.current()).names().etag)
  assert.notEqual(current.names().etag, current.array().etag)
  await remove('late')
  const without = (await list.current()).names()
  assert.notEqual(without.etag, current.names().etag)
  assert.ok(!parse(without).includes('late'))
  await remove('early')
})

test('Under concurrent changes every answer contains what was committed before the request', async () => {
  const lists = [createListCache(db, testSecrets), createListCache(db, testSecrets)]
  const committed = new Set<string>()
  const writer = async (number: number) => {
    for (let round = 0; round < 40; round += 1) {
      const name = `w${number}-${round % 5}`
      if (round % 5 === 4) await remove(`w${number}-${(round + 2) % 5}`)
      else if (committed.has(name)) await touch(name)
      else {
        await insert(name).catch(() => touch(name))
        committed.add(name)
      }
    }
  }
  let writing = true
  const reader = async (list: (typeof lists)[number]) => {
    while (writing) {
      const name = `r-${Math.random().toString(36).slice(2, 10)}`
      await insert(name)
      const answer = (await list.current()).array()
      assert.ok(parse(answer).some((info: { deployment: { name: string } }) => info.deployment.name === name))
    }
  }
  const readers = lists.map(reader)
  await Promise.all([1, 2, 3, 4].map(writer))
  writing = false
  await Promise.all(readers)
  for (const list of lists) assert.deepEqual(parse((await list.current()).array()), await truth())
})

test('A change that was uncommitted during a read is seen by the next read', async () => {
  const list = createListCache(db, testSecrets)
  const client = await raw.connect()
  await client.query('begin')
  await client.query(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ('slow', 'Running', '[]', '[]', '[]')`,
  )
  await insert('quick')
  assert.equal(
    parse((await list.current()).array()).some(
      (info: { deployment: { name: string } }) => info.deployment.name === 'slow',
    ),
    false,
  )
  await client.query('commit')
  client.release()
  assert.deepEqual(parse((await list.current()).array()), await truth())
})

/** A database that counts the deployments that the list cache reads from it. */
function countEntries(db: Database): { db: Database; entries: () => number } {
  let entries = 0
  const any = async (...query: Parameters<Database['any']>) => {
    const rows = await db.any(...query)
    entries += rows.length
    return rows
  }
  return { db: { ...db, any: any as Database['any'] }, entries: () => entries }
}

test('A change makes the next list read one deployment, also beside a transaction that stays open', async () => {
  await Promise.all(Array.from({ length: 200 }, (_, at) => insert(`many-${at}`)))
  const counted = countEntries(db)
  const list = createListCache(counted.db, testSecrets)
  await withDatabase(database.url, async (other) => {
    await other.query('begin')
    await other.query('select pg_current_xact_id()')
    for (let at = 0; at < 20; at += 1) await touch(`many-${at}`)
    await list.current()
    const before = counted.entries()
    await touch('many-7')
    assert.deepEqual(parse((await list.current()).array()), await truth())
    await list.current()
    assert.equal(counted.entries() - before, 1)
  })
})

test('A list is read in parts of 500 deployments, and a failed read keeps what it has read', async () => {
  const other = await createDatabase()
  const client = new pg.Client({ connectionString: other.url })
  await client.connect()
  await client.query(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links)
     select 'd' || n, 'Running', '[]', '[]', '[]' from generate_series(1, 2500) n`,
  )
  const pool = await openPool(other.url, { size: 2 })
  try {
    let isBroken = true
    const counted = countEntries(pool)
    const list = createListCache(
      {
        ...counted.db,
        any: (async (...query: Parameters<Database['any']>) => {
          if (isBroken && counted.entries() >= 1000) throw new Error('the connection broke')
          const rows = await counted.db.any(...query)
          assert.ok(rows.length <= 500, `a part of ${rows.length}`)
          return rows
        }) as Database['any'],
      },
      testSecrets,
    )
    await assert.rejects(list.current(), /the connection broke/)
    isBroken = false
    assert.equal(parse((await list.current()).array()).length, 2500)
    assert.equal(counted.entries(), 2500)
  } finally {
    await client.end()
    await pool.end()
    await other.drop()
  }
})
