import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type Database, openPool } from '../../../db/pool.ts'
import { createListCache } from '../../../functions/deployments/list-cache.ts'
import { createDatabase } from '../../helpers/datastores.ts'

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
  const list = createListCache(db)
  assert.deepEqual(parse(await list.current()), [])
  await insert('one')
  await insert('two')
  await touch('one')
  const names = parse(await list.current()).map(
    (info: { deployment: { name: string } }) => info.deployment.name,
  )
  assert.deepEqual(names, ['one', 'two'])
  const again = await list.current()
  assert.equal((await list.current()).etag, again.etag)
  await touch('two')
  assert.notEqual((await list.current()).etag, again.etag)
})

test('Under concurrent changes every answer contains what was committed before the request', async () => {
  const lists = [createListCache(db), createListCache(db)]
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
    let last = 0
    while (writing) {
      const name = `r-${Math.random().toString(36).slice(2, 10)}`
      await insert(name)
      const answer = await list.current()
      assert.ok(answer.changes >= last)
      last = answer.changes
      assert.ok(parse(answer).some((info: { deployment: { name: string } }) => info.deployment.name === name))
    }
  }
  const readers = lists.map(reader)
  await Promise.all([1, 2, 3, 4].map(writer))
  writing = false
  await Promise.all(readers)
  for (const list of lists) assert.deepEqual(parse(await list.current()), await truth())
})

test('A change that was uncommitted during a read is seen by the next read', async () => {
  const list = createListCache(db)
  const client = await raw.connect()
  await client.query('begin')
  await client.query(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ('slow', 'Running', '[]', '[]', '[]')`,
  )
  await insert('quick')
  assert.equal(
    parse(await list.current()).some(
      (info: { deployment: { name: string } }) => info.deployment.name === 'slow',
    ),
    false,
  )
  await client.query('commit')
  client.release()
  assert.deepEqual(parse(await list.current()), await truth())
})
