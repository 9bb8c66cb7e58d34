/** Migrations and definitions name statuses as literals. They agree with the table in domain/statuses.ts. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { checkScriptFor, statuses, statusTable, toRecordedStatus } from '../../domain/statuses.ts'
import { createDatabase } from '../helpers/datastores.ts'

let database: Awaited<ReturnType<typeof createDatabase>>
let client: pg.Client
before(async () => {
  database = await createDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})
after(async () => {
  await client.end()
  await database.drop()
})

const listedIn = (definition: string) => [...definition.matchAll(/'(\w+)'::text/g)].map(([, name]) => name)

test('The check constraint allows exactly the statuses of the table', async () => {
  const { rows } = await client.query<{ definition: string }>(
    "select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'status_known'",
  )
  assert.deepEqual(listedIn(rows[0]?.definition ?? '').sort(), [...statuses].sort())
})

test('The API form of each status is the same in SQL and in the table', async () => {
  for (const status of statuses) {
    const { rows } = await client.query<{ form: unknown }>('select to_api_status($1) as form', [status])
    assert.deepEqual(rows[0]?.form, toRecordedStatus(status))
  }
})

test('The index of retention covers the statuses of the table', async () => {
  const { rows } = await client.query<{ text: string }>(
    "select pg_get_indexdef('deployments_by_archived_at'::regclass) as text",
  )
  const inRetention = statuses.filter((status) => statusTable[status].startsRetention)
  assert.deepEqual(listedIn(rows[0]?.text ?? ''), inRetention)
})

test('Checks are planned for the statuses of the table that have a check script', async () => {
  for (const status of statuses)
    await client.query(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, $1, '[]', '[]', '[]')`,
      [status],
    )
  const unchecked = async () => {
    const { rows } = await client.query<{ status: string }>(
      'select status from deployments join deployment_checks on deployment_id = id where next_check_at is null',
    )
    return rows.map(({ status }) => status).sort()
  }
  assert.deepEqual(await unchecked(), statuses.filter((status) => checkScriptFor(status) === null).sort())
  await client.query(`update deployments set status = 'Running'`)
  assert.deepEqual(await unchecked(), [])
})
