/** Output that is written while its action ends: it is committed before the end or rejected. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isStaleWrite } from '../../../db/errors.ts'
import { type ClaimedAction, finish } from '../../../db/queries/action-lifecycle.ts'
import { appendOutput, getOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { expireLease, insertDeployment, scriptResult, startAction, useTestDatabase } from '../fixtures.ts'

const db = useTestDatabase(5)
const insert = `insert into action_output (action_id, fencing_token, seq, stream, text) values ($1, $2, 1, 'stdout', 'x')`

const waitForLock = () =>
  waitFor('one statement waits for the lock of the other', async () => {
    const rows = await db.raw(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return { done: rows.length > 0, value: null }
  })

const endings: Record<string, (claimed: ClaimedAction) => Promise<unknown>> = {
  'the recovery': async (claimed) => {
    await expireLease(db, claimed.actionId)
    // The recovery skips locked rows, so it is repeated.
    return waitFor('the action is ended', async () => {
      const lost = await endExpiredAction(db.pool, false)
      return { done: lost !== null, value: lost }
    })
  },
  finish: (claimed) => finish(db.pool, claimed, scriptResult(0)),
}

for (const [who, end] of Object.entries(endings)) {
  suite(`output and ${who}`, () => {
    test('Output in an open transaction is stored before the action ends', async () => {
      const claimed = await startAction(db, 'update', await insertDeployment(db))
      await withDatabase(db.url, async (writer) => {
        await writer.query('begin')
        await writer.query(insert, [claimed.actionId, claimed.fencingToken])
        let isEnded = false
        const ending = end(claimed).then(() => {
          isEnded = true
        })
        if (who === 'finish') await waitForLock()
        assert.equal(isEnded, false)
        assert.equal((await getOutput(db.pool, claimed.actionId, 0, 10)).done, false)
        await writer.query('commit')
        await ending
        const page = await getOutput(db.pool, claimed.actionId, 0, 10)
        assert.deepEqual([page.done, page.chunks.length], [true, 1])
      })
    })

    test('Output that arrives during the end waits and is rejected', async () => {
      const claimed = await startAction(db, 'update', await insertDeployment(db))
      await withDatabase(db.url, async (ender) => {
        await ender.query('begin')
        await ender.query(
          `update actions set state = 'interrupted', finished_at = now(), lease_expires_at = null, writer_token = fencing_token where id = $1`,
          [claimed.actionId],
        )
        const writing = appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text: 'x' }])
        writing.catch(() => {})
        await waitForLock()
        await ender.query('commit')
        await assert.rejects(writing, isStaleWrite)
      })
    })
  })
}
