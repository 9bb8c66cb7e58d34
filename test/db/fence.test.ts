/** The fence between output and the end of an action, with both under way at once: neither overtakes the other unseen. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { appendOutput, getOutput } from '../../db/actions.ts'
import { isStaleWrite } from '../../db/errors.ts'
import { endOneLost } from '../../db/sweep.ts'
import { type Claimed, finish } from '../../db/transition.ts'
import { withDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { deployment, ended, ground, loseLease, running } from './ground.ts'

const here = ground(5)
const insert = `insert into action_output (action_id, lease_epoch, seq, stream, text) values ($1, $2, 1, 'stdout', 'x')`

const somebodyWaits = () =>
  eventually('one waits for the other', async () => {
    const rows = await here.raw(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return { done: rows.length > 0, value: null }
  })

const ways: Record<string, (held: Claimed) => Promise<unknown>> = {
  'the sweeper': async (held) => {
    await loseLease(here, held.actionId)
    // It skips what is locked and comes again.
    return eventually('the action is ended', async () => {
      const lost = await endOneLost(here.pool, false)
      return { done: lost !== null, value: lost }
    })
  },
  'its own end': (held) => finish(here.pool, held, ended(0)),
}

for (const [who, end] of Object.entries(ways)) {
  suite(`output and ${who}`, () => {
    test('output that is being written is there when the action has ended', async () => {
      const held = await running(here, 'update', await deployment(here))
      await withDatabase(here.url, async (writer) => {
        await writer.query('begin')
        await writer.query(insert, [held.actionId, held.epoch])
        let over = false
        const ending = end(held).then(() => {
          over = true
        })
        if (who === 'its own end') await somebodyWaits()
        assert.equal(over, false)
        assert.equal((await getOutput(here.pool, held.actionId, 0, 10)).done, false)
        await writer.query('commit')
        await ending
        const page = await getOutput(here.pool, held.actionId, 0, 10)
        assert.deepEqual([page.done, page.chunks.length], [true, 1])
      })
    })

    test('output that comes while the action is being ended waits, and is refused', async () => {
      const held = await running(here, 'update', await deployment(here))
      await withDatabase(here.url, async (ender) => {
        await ender.query('begin')
        await ender.query(
          `update actions set state = 'interrupted', finished_at = now(), lease_expires_at = null, hand = lease_epoch where id = $1`,
          [held.actionId],
        )
        const writing = appendOutput(here.pool, held, [{ seq: 1, stream: 'stdout', text: 'x' }])
        writing.catch(() => {})
        await somebodyWaits()
        await ender.query('commit')
        await assert.rejects(writing, isStaleWrite)
      })
    })
  })
}
