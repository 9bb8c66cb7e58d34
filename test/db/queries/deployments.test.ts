/** Reads of deployments, and the version of the list, which counts visible changes only. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { isStaleWrite } from '../../../db/errors.ts'
import { type ClaimedAction, claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResult, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import {
  getDeploymentOverrides,
  getListState,
  getListVersion,
  readListChanges,
  readListEntries,
  shardOf,
} from '../../../db/queries/deployments.ts'
import { readRequestContext } from '../../../db/queries/idempotency.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { actionKinds, canStart } from '../../../domain/actions.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import { fullInfoWithCheck } from '../../../domain/schemas.ts'
import { statusAfterCheck } from '../../../domain/statuses.ts'
import {
  actorNamed,
  anyRight,
  claimNow,
  enqueue,
  getFullInfo,
  insertDeployment,
  isRefusal,
  leaseMs,
  newName,
  repeat,
  scriptResult,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(20)

const readState = async (name: string) => (await readRequestContext(db.pool, undefined, name)).deployment

suite('single deployment', () => {
  test('A deployment matches the API schema, with its last action and last check', async () => {
    const name = await insertDeployment(db)
    const first = JSON.parse(await getFullInfo(db.pool, name))
    assert.deepEqual(fullInfoWithCheck.parse(first), first)
    assert.equal(first.last_check, null)
    assert.equal(first.last_action.action, 'CreateAction')
    await assert.rejects(getFullInfo(db.pool, 'unknown'), isRefusal('no_such_deployment', /unknown/))
  })

  test('A deployment without actions has no last action', async () => {
    const name = newName()
    await db.raw(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, 'Running', '[]', '[]', '[]')`,
      [name],
    )
    const read = JSON.parse(await getFullInfo(db.pool, name))
    assert.equal(read.last_action, null)
    assert.deepEqual(fullInfoWithCheck.parse(read), read)
  })

  test('A request reads the state of its deployment without a lock', async () => {
    const name = await insertDeployment(db)
    const seen = await readState(name)
    assert.deepEqual(seen, {
      status: 'Running',
      owner: null,
      busy: false,
      revision: seen?.configRevision,
      configRevision: seen?.configRevision,
      createdAt: seen?.createdAt,
      overrides: { application: [], deployment: [] },
    })
    await enqueue(db, 'update', name)
    assert.equal((await readState(name))?.busy, true)
    assert.equal(await readState('unknown'), null)
    await assert.rejects(getDeploymentOverrides(db.pool, 'unknown'), isRefusal('no_such_deployment'))
  })
})

suite('version of the list', () => {
  /** Asserts that the operation counts as one change and raises the revision. */
  const expectCounted = async (work: () => Promise<ChangeEvent | null>): Promise<void> => {
    const before = await getListVersion(db.pool)
    const [{ last }] = await db.raw('select last_value::int as last from deployment_revision')
    const change = await work()
    assert.equal(await getListVersion(db.pool), before + 1)
    assert.ok(change && change.revision > last)
  }
  const expectUncounted = async (work: () => Promise<unknown>): Promise<void> => {
    const before = await getListVersion(db.pool)
    const revisions = 'select id, revision from deployments order by id'
    const old = await db.raw(revisions)
    await work()
    assert.equal(await getListVersion(db.pool), before)
    assert.deepEqual(await db.raw(revisions), old)
  }

  test('Each visible change raises the version by one', async () => {
    const name = newName()
    let claimed = {} as ClaimedAction
    await expectCounted(async () => (await enqueue(db, 'create', name)).change)
    await expectUncounted(async () => {
      claimed = await claimActiveOf(name)
    })
    await expectCounted(() => start(db.pool, claimed, [{ name: 'a', link: 'http://a' }]))
    await expectCounted(
      async () => (await requestCancel(db.pool, claimed.actionId, actorNamed('ann'), anyRight)).change,
    )
    await expectCounted(() => finish(db.pool, claimed, scriptResult(0)))
    await db.raw('update deployment_checks set next_check_at = now() where next_check_at is not null')
    const [due] = (await claimChecks(db.pool, 100, 1000)).filter((one) => one.name === name)
    assert.ok(due)
    const check = { ...due, exitCode: 0, failure: null, nextCheckInMs: 1000 }
    await expectCounted(() => saveCheckResultAndStatus(db.pool, check, 'Running'))
    await expectCounted(() => deleteDeployment(db.pool, name, testActor, undefined))
  })

  const claimActiveOf = async (name: string) => {
    const [{ id }] = await db.raw(
      `select a.id::int from actions a join deployments d on d.id = a.deployment_id where d.name = $1 and state = 'queued'`,
      [name],
    )
    return claimNow(db, id)
  }

  test('Claims, renewals, output, refusals and checks with the same status leave the version unchanged', async () => {
    const name = await insertDeployment(db)
    const { actionId } = await enqueue(db, 'update', name)
    await expectUncounted(async () => {
      const claimed = await claimNow(db, actionId)
      await renew(db.pool, claimed, leaseMs)
      await assert.rejects(enqueue(db, 'update', name), isRefusal('busy'))
      const [due] = await claimChecks(db.pool, 1, 1000)
      if (due)
        await saveCheckResult(db.pool, {
          ...due,
          exitCode: 0,
          failure: null,
          nextCheckInMs: 1,
        })
    })
  })

  test('Changes by other SQL statements raise the version', async () => {
    const name = await insertDeployment(db)
    const before = await getListVersion(db.pool)
    await db.raw(`update deployments set links = '[{"name":"x","link":"http://x"}]' where name = $1`, [name])
    await db.raw(`update deployments set status = 'TagMismatch' where name = $1`, [name])
    await db.raw(`update deployment_checks set checked_at = now()`)
    assert.equal(await getListVersion(db.pool), before + 2)
  })

  test('A rolled back change leaves the version unchanged', async () => {
    const before = await getListVersion(db.pool)
    const rolledBack = db.pool.transaction(async (transaction) => {
      await transaction.query(sql.unsafe`update deployments set revision = default`)
      throw new Error('rolled back')
    })
    await assert.rejects(rolledBack, /rolled back/)
    assert.equal(await getListVersion(db.pool), before)
  })

  test('After many concurrent random operations the version equals the number of change events', async () => {
    const names = repeat(12, newName)
    const before = await getListVersion(db.pool)
    const changes: ChangeEvent[] = []
    const collect = (change: ChangeEvent | null | undefined) => {
      if (change) changes.push(change)
    }
    const runRandomAction = async (name: string, dice: number) => {
      const status = (await readState(name))?.status
      const kinds = actionKinds.filter((kind) => (status ? canStart(kind, status) : kind === 'create'))
      const { actionId, change } = await enqueue(db, kinds[dice % kinds.length] ?? 'update', name)
      collect(change)
      const claimed = await claim(db.pool, actionId, 'r', dice % 5 === 0 ? 1 : leaseMs)
      if (claimed === null) return
      collect(await start(db.pool, claimed, null))
      if (dice % 7 === 0) collect((await requestCancel(db.pool, actionId, actorNamed('x'), anyRight)).change)
      if (dice % 11 > 0) collect(await finish(db.pool, claimed, scriptResult(dice % 3 === 0 ? 1 : 0)))
    }
    const check = async (dice: number) => {
      for (const due of await claimChecks(db.pool, 3, 0)) {
        const exitCode = dice % 4
        const to = statusAfterCheck(due.status, exitCode, due.pendingMs, 1)
        const outcome = { ...due, exitCode, failure: null, nextCheckInMs: 0 }
        if (to !== due.status) collect(await saveCheckResultAndStatus(db.pool, outcome, to))
      }
    }
    // A fixed seed gives the same operations each time.
    let seed = 20221123
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const work = async () => {
      const [name = '', what, dice] = [names[random(names.length)], random(10), random(1000)]
      if (what < 6) await runRandomAction(name, dice)
      else if (what < 8) await check(dice)
      else if (what === 8) collect((await endExpiredAction(db.pool, true))?.change)
      else collect(await deleteDeployment(db.pool, name, testActor, undefined))
    }
    const expected = (error: unknown) => {
      if (!(error instanceof ApiError) && !isStaleWrite(error)) throw error
    }
    for (const _ of repeat(3, newName)) await Promise.all(repeat(100, () => work().catch(expected)))
    assert.ok(changes.length > 50, `only ${changes.length} changes`)
    assert.equal(await getListVersion(db.pool), before + changes.length)
    assert.equal(new Set(changes.map((change) => change.revision)).size, changes.length)
  })
})

suite('changes of the list', () => {
  test('A change changes the state of the list and of one shard, and names the deployments in it', async () => {
    const name = await insertDeployment(db)
    const [{ id }] = await db.raw('select id::int from deployments where name = $1', [name])
    const before = await readListChanges(db.pool, new Map())
    const known = new Map(before.shards)
    assert.equal(known.size, 64)
    assert.ok(new Map(before.deployments).has(id))
    assert.equal(before.state, await getListState(db.pool))
    assert.deepEqual(await readListChanges(db.pool, known), {
      state: before.state,
      shards: [],
      deployments: [],
    })

    await db.raw(`update deployments set status = 'TagMismatch' where name = $1`, [name])
    const after = await readListChanges(db.pool, known)
    assert.notEqual(after.state, before.state)
    assert.deepEqual(
      after.shards.map(([shard]) => shard),
      [shardOf(id)],
    )
    assert.notEqual(new Map(after.deployments).get(id), new Map(before.deployments).get(id))
    assert.ok(after.deployments.every(([other]) => shardOf(other) === shardOf(id)))

    await deleteDeployment(db.pool, name, testActor, undefined)
    const gone = await readListChanges(db.pool, new Map([...known, ...after.shards]))
    assert.deepEqual([gone.shards.length, new Map(gone.deployments).has(id)], [1, false])
  })

  test('A read of entries gives the stored deployments and omits unknown ids', async () => {
    const name = await insertDeployment(db)
    const [{ id, change_id }] = await db.raw('select id::int, change_id from deployments where name = $1', [
      name,
    ])
    const [entry, ...others] = await readListEntries(db.pool, [id, 123_456_789])
    assert.deepEqual(others, [])
    assert.deepEqual([entry?.id, entry?.changeId, entry?.body.deployment.name], [id, Number(change_id), name])
  })
})
