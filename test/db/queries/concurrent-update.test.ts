/** An update that is based on what somebody has read: it does not overwrite unseen what another one has changed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { deleteDeployment } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { getFullInfo } from '../../../db/queries/deployments.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import {
  enqueue,
  isRefusal,
  newName,
  repeat,
  runAction,
  scriptResult,
  settleAll,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(10)
const revisionOf = async (name: string): Promise<number> =>
  JSON.parse(await getFullInfo(db.pool, name)).revision
const overrides = (value: string) => ({ application: [valueAdded('a', value)], deployment: [] })

/** Created, with an override, and Running. */
async function createExisting(): Promise<string> {
  const name = newName()
  const { actionId } = await enqueue(db, 'create', name, { overrides: overrides('first') })
  await db.raw(
    `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
    [actionId],
  )
  await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
  return name
}

suite('an update with the revision it is based on', () => {
  test('is accepted as long as the overrides are what they were then', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const held = await startAction(db, 'archive', name)
    await finish(db.pool, held, scriptResult(0))
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.ok((await revisionOf(name)) > revision, 'the status has changed meanwhile')
    await enqueue(db, 'update', name, { overrides: overrides('second'), revision })
  })

  test('is refused after another update, by whoever and however it ended, and nothing is kept', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const { actionId } = await enqueue(db, 'update', name, { overrides: overrides('second') })
    await db.raw(
      `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
      [actionId],
    )
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    const before = await getFullInfo(db.pool, name)
    const mine = () => enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
    await assert.rejects(mine(), isRefusal('changed_meanwhile', new RegExp(name)))
    assert.equal(await getFullInfo(db.pool, name), before)
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision: await revisionOf(name) })
  })

  test('is not refused after an update that changed no override', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    await runAction(db, 'update', name)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('is not refused for what a check has found', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const due = (await claimChecks(db.pool, 100, 60_000)).find((one) => one.name === name)
    assert.ok(due)
    const checked = { ...due, statusWhenClaimed: due.status, exitCode: 1, error: null, nextCheckInMs: 60_000 }
    assert.ok(await saveCheckResultAndStatus(db.pool, checked, 'GenericFailure'))
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('is refused when the deployment is another one of the same name', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    await deleteDeployment(db.pool, name, undefined)
    const { actionId } = await enqueue(db, 'create', name, { overrides: overrides('first') })
    await db.raw(
      `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
      [actionId],
    )
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    const mine = enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
    await assert.rejects(mine, isRefusal('changed_meanwhile'))
  })

  test('leaves its Idempotency-Key free when it is refused', async () => {
    const name = await createExisting()
    const key = { key: newName(), fingerprint: 'f' }
    const late = enqueue(db, 'update', name, { overrides: overrides('mine'), revision: 0, key })
    await assert.rejects(late, isRefusal('changed_meanwhile'))
    assert.ok((await enqueue(db, 'update', name, { overrides: overrides('mine'), key })).change)
  })

  test('of many at once based on the same revision exactly one is accepted, also when each is over at once', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const { won, lost } = await settleAll(
      repeat(12, async (at) => {
        const { actionId } = await enqueue(db, 'update', name, { overrides: overrides(`u${at}`), revision })
        await db.raw(
          `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
          [actionId],
        )
        await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
      }),
    )
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => ['busy', 'changed_meanwhile', 'impossible_move'].includes(error.code)))
  })
})
