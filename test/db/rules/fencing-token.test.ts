/** What triggers and constraints reject: writes with a stale fencing token and unknown values. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isStaleWrite } from '../../../db/errors.ts'
import { finish, renew } from '../../../db/queries/action-lifecycle.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import {
  actionRow,
  claimNow,
  enqueue,
  expireLease,
  leaseMs,
  newName,
  repeat,
  runAction,
  scriptResult,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(20)
const chunk = (seq: number, text = 'x') => ({ seq, stream: 'stdout' as const, text })

suite('fencing token in the schema', () => {
  const stale = (error: unknown) => {
    assert.ok(isStaleWrite(error), String(error))
    return true
  }
  const set = (actionId: number, what: string) =>
    db.raw(`update actions set ${what} where id = $1`, [actionId])
  const write = (actionId: number, fencingToken: number) =>
    db.raw(
      `insert into action_output (action_id, seq, stream, text, fencing_token)
       select $1, coalesce(max(seq), 0) + 1, 'stdout', 'x', $2 from action_output where action_id = $1`,
      [actionId, fencingToken],
    )

  test('Output with any other fencing token is rejected', async () => {
    const claimed = await startAction(db, 'create', newName())
    await write(claimed.actionId, claimed.fencingToken)
    await assert.rejects(write(claimed.actionId, claimed.fencingToken - 1), stale)
    await assert.rejects(write(claimed.actionId, claimed.fencingToken + 1), stale)
  })

  test('Output of an ended action is rejected', async () => {
    const claimed = await runAction(db, 'create', newName())
    await assert.rejects(write(claimed.actionId, claimed.fencingToken), stale)
  })

  test('An end with an older fencing token is rejected', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    const first = await claimNow(db, actionId)
    await expireLease(db, actionId)
    await claimNow(db, actionId)
    const end = `state = 'failed', finished_at = now(), fencing_token = ${first.fencingToken}`
    await assert.rejects(set(actionId, end), stale)
  })

  test('A new fencing token during a lease and a smaller one are rejected', async () => {
    const claimed = await startAction(db, 'create', newName())
    await assert.rejects(set(claimed.actionId, 'fencing_token = fencing_token + 1'), stale)
    await assert.rejects(set(claimed.actionId, 'fencing_token = fencing_token - 1'), stale)
    await expireLease(db, claimed.actionId)
    await assert.rejects(set(claimed.actionId, 'fencing_token = fencing_token - 1'), stale)
    await set(claimed.actionId, 'fencing_token = fencing_token + 1')
  })

  test('A statement without the writer token, or with another one, is rejected', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    const changes = ["state = 'running', started_at = now()", "lease_expires_at = now() + interval '1 hour'"]
    for (const what of changes) await assert.rejects(set(actionId, what), stale, what)
    const claimed = await claimNow(db, actionId)
    const end = `state = 'failed', finished_at = now(), lease_expires_at = null`
    for (const what of [...changes, end]) {
      await assert.rejects(set(actionId, what), stale, what)
      await assert.rejects(set(actionId, `${what}, writer_token = ${claimed.fencingToken - 1}`), stale, what)
    }
    await renew(db.pool, claimed, leaseMs)
    await assert.rejects(set(actionId, end), stale, 'a writer token counts for its own statement only')
    assert.equal((await actionRow(db, actionId)).writer_token, null)
    await set(actionId, `${end}, writer_token = ${claimed.fencingToken}`)
  })

  test('The delete of an active action is rejected', async () => {
    const claimed = await startAction(db, 'create', newName())
    await assert.rejects(db.raw('delete from actions where id = $1', [claimed.actionId]), stale)
    await finish(db.pool, claimed, scriptResult(0))
    await db.raw('delete from actions where id = $1', [claimed.actionId])
  })

  test('An ended action is final: state, exit code, error, fencing token', async () => {
    const { actionId } = await runAction(db, 'create', newName())
    for (const what of [
      `state = 'failed'`,
      `state = 'running', finished_at = null`,
      'exit_code = 1',
      `error = 'x'`,
      'fencing_token = fencing_token + 1',
      'finished_at = now()',
    ])
      await assert.rejects(set(actionId, what), stale, what)
  })

  test('A started action cannot be queued again', async () => {
    const claimed = await startAction(db, 'create', newName())
    await assert.rejects(set(claimed.actionId, `state = 'queued'`), stale)
  })

  test('Output written during the recovery is stored completely or not at all', async () => {
    for (const _ of repeat(15, newName)) {
      const claimed = await startAction(db, 'create', newName())
      await expireLease(db, claimed.actionId)
      const [written, lost] = await Promise.allSettled([
        appendOutput(db.pool, claimed, [chunk(1), chunk(2)]),
        endExpiredAction(db.pool, false),
      ])
      const count = (await db.raw('select from action_output where action_id = $1', [claimed.actionId]))
        .length
      assert.equal(count, written.status === 'fulfilled' ? 2 : 0)
      if (written.status === 'rejected') stale(written.reason)
      if (lost.status === 'fulfilled' && lost.value === null) await endExpiredAction(db.pool, false)
    }
  })

  test('Unknown states, kinds and statuses and an end without a time are rejected', async () => {
    const claimed = await startAction(db, 'create', newName())
    const writer = `writer_token = ${claimed.fencingToken}`
    await assert.rejects(
      set(claimed.actionId, `state = 'lost', finished_at = now(), ${writer}`),
      /state_known/,
    )
    await assert.rejects(set(claimed.actionId, `kind = 'delete'`), /kind_known/)
    await assert.rejects(set(claimed.actionId, `state = 'failed', ${writer}`), /ended_has_time/)
    await assert.rejects(db.raw(`update deployments set status = 'Fine'`), /status_known/)
  })
})
