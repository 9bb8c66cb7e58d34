/** An accepted action, in one transaction, one at a time. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { getTarget } from '../../db/deployments.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import { type ActionKind, actionKinds, actions, mayBegin } from '../../domain/action.ts'
import { Refusal } from '../../domain/errors.ts'
import { added, removed } from '../../domain/overrides.ts'
import { statuses } from '../../domain/status.ts'
import { withDatabase } from '../helpers/database.ts'
import {
  actionRow,
  ask,
  beginUpdate,
  deployment,
  ground,
  loseLease,
  meanwhile,
  newName,
  outcomes,
  perform,
  refusal,
  running,
  statusOf,
  take,
  times,
} from './ground.ts'

const here = ground(12)

suite('begin', () => {
  test('makes a deployment that waits for its action, with who asked, from where and why', async () => {
    const name = newName()
    const overrides = { app: [added('image.tag', 'v2')], deployment: [removed('debug')] }
    const { actionId, change } = await ask(here, 'create', name, {
      overrides,
      actor: 'bob',
      source: 'page',
      reason: 'a try',
    })
    assert.ok(change?.type === 'deployment')
    assert.equal(change.deployment.status.tag, 'DeploymentPending')
    assert.deepEqual(change.deployment.status.recorded_status, { tag: 'CreatePending' })
    const last = change.deployment.last_action
    assert.deepEqual(
      [last?.action_id, last?.state, last?.actor, last?.source, last?.reason],
      [actionId, 'queued', 'bob', 'page', 'a try'],
    )
    const target = await getTarget(here.pool, name)
    assert.deepEqual([target.appOverrides, target.deploymentOverrides], [overrides.app, overrides.deployment])
    const row = await actionRow(here, actionId)
    assert.deepEqual([row.app_overrides, row.deployment_overrides], [overrides.app, overrides.deployment])
  })

  test('is allowed or refused for every action and status as the table says, and a refusal changes nothing', async () => {
    for (const status of statuses)
      for (const kind of actionKinds) {
        const name = await deployment(here, status)
        const [before] = await here.raw('select * from deployments where name = $1', [name])
        const asked = ask(here, kind, name)
        if (mayBegin(kind, status)) {
          await asked
          assert.equal(await statusOf(here, name), actions[kind].during ?? status)
          continue
        }
        await assert.rejects(asked, refusal(kind === 'create' ? 'name_taken' : 'impossible_move'))
        assert.deepEqual(await here.raw('select * from deployments where name = $1', [name]), [before])
        const queued = `select from actions where state = 'queued' and deployment_id = $1`
        assert.equal((await here.raw(queued, [before.id])).length, 0)
      }
  })

  test('refuses a deployment there is none of', async () => {
    for (const kind of actionKinds.filter((one) => one !== 'create'))
      await assert.rejects(ask(here, kind, 'nobody'), refusal('no_such_deployment', /no deployment nobody/))
  })

  test('refuses a second action while one is queued or runs, whatever it is', async () => {
    const name = await deployment(here)
    const { actionId } = await ask(here, 'update', name)
    await assert.rejects(ask(here, 'update', name), refusal('busy', /currently being processed/))
    await assert.rejects(ask(here, 'archive', name), refusal('busy'))
    await take(here, actionId)
    await assert.rejects(ask(here, 'restore', name), refusal('busy'))
  })

  test('of many at once exactly one is accepted; all others are told that it is being processed', async () => {
    const name = await deployment(here)
    const { won, lost } = await outcomes(times(30, () => ask(here, 'update', name)))
    assert.equal(won.length, 1)
    assert.deepEqual(new Set(lost.map((error) => error instanceof Refusal && error.code)), new Set(['busy']))
    const archiving = await deployment(here, 'ArchivePending')
    const second = await outcomes(times(30, () => ask(here, 'archive', archiving)))
    assert.equal(second.won.length, 1)
    assert.ok(second.lost.every((error) => error.code === 'busy'))
  })

  test('of many creates of one name at once exactly one is accepted', async () => {
    const name = newName()
    const { won, lost } = await outcomes(times(20, () => ask(here, 'create', name)))
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => error.code === 'name_taken'))
  })

  test('that waited for the row sees what was committed meanwhile: an action that has ended', async () => {
    const name = await deployment(here)
    const held = await running(here, 'update', name)
    const { actionId } = await meanwhile(
      here,
      name,
      () => ask(here, 'archive', name),
      async (query) => {
        await query(
          `update actions set state = 'failed', finished_at = now(), hand = lease_epoch where id = $1`,
          [held.actionId],
        )
        await query(`update deployments set status = 'GenericFailure' where name = $1`, [name])
      },
    )
    assert.ok(actionId > held.actionId)
  })

  test('that waited for the row sees what was committed meanwhile: an action that has begun', async () => {
    const name = await deployment(here)
    const second = meanwhile(here, name, () => ask(here, 'update', name), beginUpdate(name))
    await assert.rejects(second, refusal('busy'))
  })

  test('different deployments never wait for each other', async () => {
    const name = await deployment(here)
    await withDatabase(here.url, async (other) => {
      await other.query('begin')
      await other.query('select from deployments where name = $1 for update', [name])
      for (const another of times(5, newName)) await perform(here, 'create', another)
      await other.query('rollback')
    })
  })

  test('is refused by the schema itself when code forgets to look', async () => {
    const name = await deployment(here)
    const insert = `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
      select id, 'update', 'queued', '[]', '[]', 'x', 'api' from deployments where name = $1`
    await here.raw(insert, [name])
    await assert.rejects(here.raw(insert, [name]), /actions_one_active/)
    await assert.rejects(ask(here, 'update', name), refusal('busy'))
  })

  test('lets a put away deployment forget when it was archived, unless it is being cleaned up', async () => {
    const since = async (name: string) =>
      (await here.raw('select archived_at from deployments where name = $1', [name]))[0].archived_at
    const [restored, cleaned] = [await deployment(here, 'Archived'), await deployment(here, 'Archived')]
    await ask(here, 'restore', restored)
    await ask(here, 'cleanup', cleaned)
    assert.equal(await since(restored), null)
    assert.notEqual(await since(cleaned), null)
  })

  test('keeps what JSON can hold: quotes, newlines, every character but NUL', async () => {
    const name = newName()
    const odd = [added('key', '\'"\\\n\t$x -- ; \u2028 😀 \ufffd')]
    await ask(here, 'create', name, { overrides: { app: odd, deployment: [] } })
    assert.deepEqual((await getTarget(here.pool, name)).appOverrides, odd)
  })
})

suite('the life of a deployment in the database', () => {
  test('goes from nothing to nothing, one action after another', async () => {
    const name = newName()
    const steps: [ActionKind, string][] = [
      ['create', 'CreatePending'],
      ['update', 'UpdatePending'],
      ['archive', 'ArchivePending'],
      ['restore', 'CreatePending'],
      ['archive', 'ArchivePending'],
      ['cleanup', 'gone'],
    ]
    for (const [kind, status] of steps) {
      await perform(here, kind, name)
      assert.equal(await statusOf(here, name), status, kind)
      const checked = status === 'ArchivePending' ? 'Archived' : 'Running'
      await here.raw('update deployments set status = $2 where name = $1', [name, checked])
    }
    await perform(here, 'create', name)
    assert.equal(await statusOf(here, name), 'CreatePending', 'the name is free again')
  })

  test('a failing script leaves the status of a failure', async () => {
    for (const kind of actionKinds.filter((one) => one !== 'create')) {
      const name = await deployment(here, actions[kind].from[0])
      await perform(here, kind, name, 1)
      assert.equal(await statusOf(here, name), actions[kind].failed)
    }
  })

  test('an action whose lease has run out still counts as under way', async () => {
    const name = await deployment(here)
    const held = await running(here, 'update', name)
    await loseLease(here, held.actionId)
    await assert.rejects(ask(here, 'update', name), refusal('busy'))
  })

  test('a unique violation is known as one', async () => {
    const name = await deployment(here)
    const insert = sql.unsafe`insert into deployments (name, status, app_overrides, deployment_overrides, links)
      values (${name}, 'Running', '[]', '[]', '[]')`
    await assert.rejects(here.pool.query(insert), isUniqueViolation)
  })
})
