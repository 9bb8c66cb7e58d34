/** Reading deployments, and the version of the list: it counts every visible change, and nothing else. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { deleteDeployment, requestCancel } from '../../db/cancel.ts'
import { claimChecks, keepCheck, keepCheckAndMove } from '../../db/checks.ts'
import { countChanges, getFullInfo, getTarget, listIds, readChanged } from '../../db/deployments.ts'
import { isStaleWrite } from '../../db/errors.ts'
import { peek } from '../../db/peek.ts'
import { endOneLost } from '../../db/sweep.ts'
import { type Claimed, claim, finish, renew, start } from '../../db/transition.ts'
import { actionKinds, mayBegin } from '../../domain/action.ts'
import { Refusal } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { type FullInfo, fullInfoWithCheck } from '../../domain/shapes.ts'
import { statusAfterCheck } from '../../domain/status.ts'
import { ask, deployment, ended, ground, leaseMs, newName, perform, refusal, take, times } from './ground.ts'

const here = ground(20)

suite('one deployment', () => {
  test('has the shape of the wire, with its last action and its last check', async () => {
    const name = await deployment(here)
    const first = JSON.parse(await getFullInfo(here.pool, name))
    assert.deepEqual(fullInfoWithCheck.parse(first), first)
    assert.equal(first.last_check, null)
    assert.equal(first.last_action.action, 'CreateAction')
    await assert.rejects(getFullInfo(here.pool, 'nobody'), refusal('no_such_deployment', /nobody/))
  })

  test('without any action has none as its last', async () => {
    const name = newName()
    await here.raw(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, 'Running', '[]', '[]', '[]')`,
      [name],
    )
    const read = JSON.parse(await getFullInfo(here.pool, name))
    assert.equal(read.last_action, null)
    assert.deepEqual(fullInfoWithCheck.parse(read), read)
  })

  test('can be looked at without a lock', async () => {
    const name = await deployment(here)
    const seen = await peek(here.pool, name)
    assert.deepEqual(seen, {
      status: 'Running',
      busy: false,
      configRevision: seen?.configRevision,
      appOverrides: [],
      deploymentOverrides: [],
    })
    await ask(here, 'update', name)
    assert.equal((await peek(here.pool, name))?.busy, true)
    assert.equal(await peek(here.pool, 'nobody'), null)
    await assert.rejects(getTarget(here.pool, 'nobody'), refusal('no_such_deployment'))
  })
})

suite('the version of the list', () => {
  /** The change an operation made; and that it was counted, once, and raised the revision. */
  const counted = async (work: () => Promise<ChangeEvent | null>): Promise<void> => {
    const before = await countChanges(here.pool)
    const [{ last }] = await here.raw('select last_value::int as last from deployment_revision')
    const change = await work()
    assert.equal(await countChanges(here.pool), before + 1)
    assert.ok(change && change.revision > last)
  }
  const uncounted = async (work: () => Promise<unknown>): Promise<void> => {
    const before = await countChanges(here.pool)
    const revisions = 'select id, revision from deployments order by id'
    const old = await here.raw(revisions)
    await work()
    assert.equal(await countChanges(here.pool), before)
    assert.deepEqual(await here.raw(revisions), old)
  }

  test('grows by one with every visible change', async () => {
    const name = newName()
    let held = {} as Claimed
    await counted(async () => (await ask(here, 'create', name)).change)
    await uncounted(async () => {
      held = await claimed(name)
    })
    await counted(() => start(here.pool, held, [{ name: 'a', link: 'http://a' }]))
    await counted(async () => (await requestCancel(here.pool, held.actionId, 'ann')).change)
    await counted(() => finish(here.pool, held, ended(0)))
    await here.raw('update deployments set next_check_at = now() where name = $1', [name])
    const [due] = (await claimChecks(here.pool, 100, 1000)).filter((one) => one.name === name)
    assert.ok(due)
    const check = { ...due, was: due.status, exitCode: 0, error: null, nextInMs: 1000 }
    await counted(() => keepCheckAndMove(here.pool, check, 'Running'))
    await counted(() => deleteDeployment(here.pool, name, undefined))
  })

  const claimed = async (name: string) => {
    const [{ id }] = await here.raw(
      `select a.id::int from actions a join deployments d on d.id = a.deployment_id where d.name = $1 and state = 'queued'`,
      [name],
    )
    return take(here, id)
  }

  test('does not grow by what nobody sees: claims, renewals, output, checks that say the same, refusals', async () => {
    const name = await deployment(here)
    const { actionId } = await ask(here, 'update', name)
    await uncounted(async () => {
      const held = await take(here, actionId)
      await renew(here.pool, held, leaseMs)
      await assert.rejects(ask(here, 'update', name), refusal('busy'))
      const [due] = await claimChecks(here.pool, 1, 1000)
      if (due) await keepCheck(here.pool, { ...due, was: due.status, exitCode: 0, error: null, nextInMs: 1 })
    })
  })

  test('grows with changes that forget to say so, made by hand or by a program to come', async () => {
    const name = await deployment(here)
    const before = await countChanges(here.pool)
    await here.raw(`update deployments set links = '[{"name":"x","link":"http://x"}]' where name = $1`, [
      name,
    ])
    await here.raw(`update deployments set status = 'TagMismatch' where name = $1`, [name])
    await here.raw(`update deployments set checked_at = now() where name = $1`, [name])
    assert.equal(await countChanges(here.pool), before + 2)
  })

  test('does not grow by what was rolled back', async () => {
    const before = await countChanges(here.pool)
    const undone = here.pool.transaction(async (transaction) => {
      await transaction.query(sql.unsafe`update deployments set revision = default`)
      throw new Error('never mind')
    })
    await assert.rejects(undone, /never mind/)
    assert.equal(await countChanges(here.pool), before)
  })

  test('equals the changes told of, after a hundred random transitions at once', async () => {
    const names = times(12, newName)
    const before = await countChanges(here.pool)
    const changes: ChangeEvent[] = []
    const told = (change: ChangeEvent | null | undefined) => {
      if (change) changes.push(change)
    }
    const act = async (name: string, dice: number) => {
      const status = (await peek(here.pool, name))?.status
      const kinds = actionKinds.filter((kind) => (status ? mayBegin(kind, status) : kind === 'create'))
      const { actionId, change } = await ask(here, kinds[dice % kinds.length] ?? 'update', name)
      told(change)
      const held = await claim(here.pool, actionId, 'r', dice % 5 === 0 ? 1 : leaseMs)
      if (held === null) return
      told(await start(here.pool, held, null))
      if (dice % 7 === 0) told((await requestCancel(here.pool, actionId, 'x')).change)
      if (dice % 11 > 0) told(await finish(here.pool, held, ended(dice % 3 === 0 ? 1 : 0)))
    }
    const check = async (dice: number) => {
      for (const due of await claimChecks(here.pool, 3, 0)) {
        const exitCode = dice % 4
        const to = statusAfterCheck(due.status, exitCode, due.pendingMs, 1)
        const outcome = { ...due, was: due.status, exitCode, error: null, nextInMs: 0 }
        if (to !== due.status) told(await keepCheckAndMove(here.pool, outcome, to))
      }
    }
    // Any spread will do; the same every time.
    let seed = 20221123
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const work = async () => {
      const [name = '', what, dice] = [names[random(names.length)], random(10), random(1000)]
      if (what < 6) await act(name, dice)
      else if (what < 8) await check(dice)
      else if (what === 8) told((await endOneLost(here.pool, true))?.change)
      else told(await deleteDeployment(here.pool, name, undefined))
    }
    const expected = (error: unknown) => {
      if (!(error instanceof Refusal) && !isStaleWrite(error)) throw error
    }
    for (const _ of times(3, newName)) await Promise.all(times(100, () => work().catch(expected)))
    assert.ok(changes.length > 50, `only ${changes.length} changes`)
    assert.equal(await countChanges(here.pool), before + changes.length)
    assert.equal(new Set(changes.map((change) => change.revision)).size, changes.length)
  })
})

suite('what has changed', () => {
  const bodies = new Map<number, FullInfo>()
  let horizon: string | null = null
  /** What a server does: reads what changed since its last look. */
  const look = async () => {
    const read = await readChanged(here.pool, horizon)
    horizon = read.horizon
    for (const { id, body } of read.rows) bodies.set(id, body)
    const ids = new Set(await listIds(here.pool))
    for (const id of bodies.keys()) if (!ids.has(id)) bodies.delete(id)
    return read
  }

  test('since a look is all it takes to have the list of now, also while many change it', async () => {
    await look()
    const idle = await look()
    const changing = Promise.all(
      times(12, async (at) => {
        const name = newName()
        await perform(here, 'create', name)
        if (at % 3 === 0) await deleteDeployment(here.pool, name, undefined)
      }),
    )
    for (const _ of times(5, newName)) await look()
    await changing
    const last = await look()
    assert.ok(last.changes > idle.changes)
    assert.ok(last.deletions >= idle.deletions + 4)
    const rows = await here.raw('select id, body from full_infos')
    assert.deepEqual(
      new Map([...bodies].sort(([a], [b]) => a - b)),
      new Map(rows.map((row) => [Number(row.id), row.body] as const).sort(([a], [b]) => a - b)),
    )
  })
})
