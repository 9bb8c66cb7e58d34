/** Serialized errors contain the cause and no config value. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { sql } from 'slonik'
import { serializeError, serializers } from '../../lib/serialize-error.ts'
import { insertDeployment, useTestDatabase } from '../db/fixtures.ts'
import { withDatabase } from '../helpers/with-database.ts'

const db = useTestDatabase(2)
const secret = 'hunter-two-and-twenty'
const override = sql.jsonb([['db.password', { tag: 'ValueAdded', contents: secret }]])

/** The log line of a program. */
async function logLineOf(work: Promise<unknown>): Promise<string> {
  const lines: string[] = []
  const log = pino({ serializers }, { write: (line: string) => lines.push(line) })
  await work.then(
    () => assert.fail('it should fail'),
    (err) => log.error({ err }, 'failed'),
  )
  return lines.join('')
}

test('The row of a constraint violation is not quoted', async () => {
  const name = await insertDeployment(db)
  const line = await logLineOf(
    db.pool.query(
      sql.unsafe`update deployments set status = 'nonsense', app_overrides = ${override} where name = ${name}`,
    ),
  )
  assert.match(line, /status_known/)
  assert.match(line, /23514/, 'its code')
  assert.ok(!line.includes(secret), line)
})

test('The values of a wrong or slow statement are not quoted', async () => {
  const name = await insertDeployment(db)
  const wrong = await logLineOf(db.pool.query(sql.unsafe`select ${override}::jsonb from nowhere`))
  assert.match(wrong, /nowhere/)
  assert.ok(!wrong.includes(secret), wrong)
  await withDatabase(db.url, async (other) => {
    await other.query('begin')
    await other.query('select from deployments where name = $1 for update', [name])
    const late = await logLineOf(
      db.pool.query(sql.unsafe`update deployments set app_overrides = ${override} where name = ${name}`),
    )
    assert.ok(!late.includes(secret), late)
    await other.query('rollback')
  })
})

test('Causes and the first members of aggregates are included, and a circular chain ends', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', args: [secret] })
  const serialized = serializeError(
    new Error('unreachable', { cause: new AggregateError(Array(9).fill(refused), 'both') }),
  )
  assert.equal(serialized.cause?.errors?.length, 5)
  assert.equal(serialized.cause?.errors?.[0]?.code, 'ECONNREFUSED')
  assert.ok(!JSON.stringify(serialized).includes(secret))
  const round = new Error('round')
  round.cause = round
  assert.ok(JSON.stringify(serializeError(round)).length > 0)
  assert.deepEqual(serializeError('text'), { type: 'string', message: 'text' })
})
