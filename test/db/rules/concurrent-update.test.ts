/** An update with a revision is refused if the overrides changed since that revision. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { claimChecks, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import {
  enqueue,
  getFullInfo,
  isRefusal,
  newName,
  repeat,
  runAction,
  scriptResult,
  settleAll,
  startAction,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(10)
const revisionOf = async (name: string): Promise<number> =>
  JSON.parse(await getFullInfo(db.pool, name)).revision
const overrides = (value: string) => ({ application: [valueAdded('a', value)], deployment: [] })

/** A running deployment with one override. */
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

suite('update with a revision', () => {
  test('An update is accepted while the overrides are unchanged', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const claimed = await startAction(db, 'archive', name)
    await finish(db.pool, claimed, scriptResult(0))
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.ok((await revisionOf(name)) > revision, 'the status has changed since')
    await enqueue(db, 'update', name, { overrides: overrides('second'), revision })
  })

  test('An update is refused after another update, successful or not, and changes nothing', async () => {
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
    await assert.rejects(mine(), isRefusal('precondition_failed', new RegExp(name)))
    assert.equal(await getFullInfo(db.pool, name), before)
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision: await revisionOf(name) })
  })

  test('An update is accepted after an update that changed no override', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    await runAction(db, 'update', name)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('An update is accepted after a check changed the status', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    const due = (await claimChecks(db.pool, 100, 60_000)).find((one) => one.name === name)
    assert.ok(due)
    const checked = { ...due, exitCode: 1, failure: null, nextCheckInMs: 60_000 }
    assert.ok(await saveCheckResultAndStatus(db.pool, checked, 'GenericFailure'))
    await enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('An update is refused for a new deployment of the same name', async () => {
    const name = await createExisting()
    const revision = await revisionOf(name)
    await deleteDeployment(db.pool, name, testActor, undefined)
    const { actionId } = await enqueue(db, 'create', name, { overrides: overrides('first') })
    await db.raw(
      `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
      [actionId],
    )
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    const mine = enqueue(db, 'update', name, { overrides: overrides('mine'), revision })
    await assert.rejects(mine, isRefusal('precondition_failed'))
  })

  test('A refused update leaves its Idempotency-Key free', async () => {
    const name = await createExisting()
    const key = { key: newName(), fingerprint: 'f' }
    const late = enqueue(db, 'update', name, { overrides: overrides('mine'), revision: 0, key })
    await assert.rejects(late, isRefusal('precondition_failed'))
    assert.ok((await enqueue(db, 'update', name, { overrides: overrides('mine'), key })).change)
  })

  test('Of many concurrent updates with one revision exactly one is accepted', async () => {
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
    assert.ok(
      lost.every((error) => ['busy', 'precondition_failed', 'invalid_transition'].includes(error.code)),
    )
  })
})
