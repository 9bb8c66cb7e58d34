/** An update that is based on what somebody has read: it does not overwrite unseen what another one has changed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { deleteDeployment } from '../../db/cancel.ts'
import { claimChecks, keepCheckAndMove } from '../../db/checks.ts'
import { getFullInfo } from '../../db/deployments.ts'
import { finish } from '../../db/transition.ts'
import { added } from '../../domain/overrides.ts'
import { ask, ended, ground, newName, outcomes, perform, refusal, running, times } from './ground.ts'

const here = ground(10)
const revisionOf = async (name: string): Promise<number> =>
  JSON.parse(await getFullInfo(here.pool, name)).revision
const overrides = (value: string) => ({ app: [added('a', value)], deployment: [] })

/** Created, with an override, and Running. */
async function existing(): Promise<string> {
  const name = newName()
  const { actionId } = await ask(here, 'create', name, { overrides: overrides('first') })
  await here.raw(
    `update actions set state = 'failed', finished_at = now(), hand = lease_epoch where id = $1`,
    [actionId],
  )
  await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
  return name
}

suite('an update with the revision it is based on', () => {
  test('is accepted as long as the overrides are what they were then', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    const held = await running(here, 'archive', name)
    await finish(here.pool, held, ended(0))
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.ok((await revisionOf(name)) > revision, 'the status has changed meanwhile')
    await ask(here, 'update', name, { overrides: overrides('second'), revision })
  })

  test('is refused after another update, by whoever and however it ended, and nothing is kept', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    const { actionId } = await ask(here, 'update', name, { overrides: overrides('second') })
    await here.raw(
      `update actions set state = 'failed', finished_at = now(), hand = lease_epoch where id = $1`,
      [actionId],
    )
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    const before = await getFullInfo(here.pool, name)
    const mine = () => ask(here, 'update', name, { overrides: overrides('mine'), revision })
    await assert.rejects(mine(), refusal('changed_meanwhile', new RegExp(name)))
    assert.equal(await getFullInfo(here.pool, name), before)
    await ask(here, 'update', name, { overrides: overrides('mine'), revision: await revisionOf(name) })
  })

  test('is not refused after an update that changed no override', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    await perform(here, 'update', name)
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await ask(here, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('is not refused for what a check has found', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    const due = (await claimChecks(here.pool, 100, 60_000)).find((one) => one.name === name)
    assert.ok(due)
    const checked = { ...due, was: due.status, exitCode: 1, error: null, nextInMs: 60_000 }
    assert.ok(await keepCheckAndMove(here.pool, checked, 'GenericFailure'))
    await ask(here, 'update', name, { overrides: overrides('mine'), revision })
  })

  test('is refused when the deployment is another one of the same name', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    await deleteDeployment(here.pool, name, undefined)
    const { actionId } = await ask(here, 'create', name, { overrides: overrides('first') })
    await here.raw(
      `update actions set state = 'failed', finished_at = now(), hand = lease_epoch where id = $1`,
      [actionId],
    )
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    const mine = ask(here, 'update', name, { overrides: overrides('mine'), revision })
    await assert.rejects(mine, refusal('changed_meanwhile'))
  })

  test('leaves its Idempotency-Key free when it is refused', async () => {
    const name = await existing()
    const key = { key: newName(), fingerprint: 'f' }
    const late = ask(here, 'update', name, { overrides: overrides('mine'), revision: 0, key })
    await assert.rejects(late, refusal('changed_meanwhile'))
    assert.ok((await ask(here, 'update', name, { overrides: overrides('mine'), key })).change)
  })

  test('of many at once based on the same revision exactly one is accepted, also when each is over at once', async () => {
    const name = await existing()
    const revision = await revisionOf(name)
    const { won, lost } = await outcomes(
      times(12, async (at) => {
        const { actionId } = await ask(here, 'update', name, { overrides: overrides(`u${at}`), revision })
        await here.raw(
          `update actions set state = 'failed', finished_at = now(), hand = lease_epoch where id = $1`,
          [actionId],
        )
        await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
      }),
    )
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => ['busy', 'changed_meanwhile', 'impossible_move'].includes(error.code)))
  })
})
