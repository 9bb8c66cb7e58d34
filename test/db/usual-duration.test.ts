/** How long an action usually takes, as it is told while one is under way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getFullInfo } from '../../db/deployments.ts'
import { finish } from '../../db/transition.ts'
import type { ActionKind } from '../../domain/action.ts'
import type { FullInfo } from '../../domain/shapes.ts'
import { ask, deployment, ended, ground, newName, running } from './ground.ts'

const here = ground(3)

/** Ended actions of a deployment that took so many seconds each. */
const past = (name: string, kind: ActionKind, seconds: number[], state = 'succeeded') =>
  here.raw(
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
       started_at, finished_at, exit_code)
     select d.id, $2, $3, '[]', '[]', 'ann', 'api', now() - s * interval '1 second', now(), 0
     from deployments d, unnest($4::float8[]) s where d.name = $1`,
    [name, kind, state, seconds],
  )
const told = async (name: string) =>
  (JSON.parse(await getFullInfo(here.pool, name)) as FullInfo).last_action?.usual_duration_ms
const begun = async (kind: ActionKind, name: string) => {
  await ask(here, kind, name)
  return told(name)
}

test("is the median of the deployment's own last ones of its kind that went well", async () => {
  const name = await deployment(here)
  await past(name, 'update', [3, 1, 2])
  await past(name, 'update', [500], 'failed')
  await past(name, 'archive', [900])
  assert.equal(await begun('update', name), 2000)
})

test('is that of the project where it has none of its own: so a create tells it too', async () => {
  const other = await deployment(here)
  await here.raw(`delete from actions where kind in ('create', 'restore')`)
  assert.equal(await begun('create', newName()), null)
  await past(other, 'create', [10, 30, 20])
  assert.equal(await begun('create', newName()), 20_000)
  const archived = await deployment(here, 'Archived')
  await past(other, 'restore', [7])
  assert.equal(await begun('restore', archived), 7000)
})

test('stays what it was told first: nothing that happens elsewhere changes what a deployment says', async () => {
  const other = await deployment(here)
  await past(other, 'create', [5, 5, 5])
  const name = newName()
  const held = await running(here, 'create', name)
  const before = await told(name)
  await past(other, 'create', [60, 60, 60, 60, 60, 60, 60, 60, 60])
  assert.equal(await told(name), before)
  await finish(here.pool, held, ended(0))
  assert.equal(await told(name), undefined, 'only while it is under way')
})
