/** Runners that stand still for a while (SIGSTOP): while a script runs, and between the claim and the start of one. */
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { cancelAction } from '../rig/asking.ts'
import { nowMs } from '../rig/clock.ts'
import type { World } from '../rig/world.ts'
import { begin, ended, holderOf, startedBy, treeGone, until } from './moves.ts'

export type Frozen = {
  /** Null when the runner woke in time and went on with its script. */
  goneMs: number | null
  settledMs: number
  state: string
  /** What the runner asked of the database for this action once it was awake again, its lease being over. */
  staleTried: number
}

/** By then a runner has renewed its lease, or heard that it cannot. */
const afterWakeMs = 4000
const writes = /update actions set lease_expires_at|finish_action\(|insert into action_output|for update/

/**
 * Freezes whoever runs a long script, for so long. `beyond` the lease: the script must be gone before the action is taken. Within
 * it: the runner goes on with its script, and the action is cancelled. The times are from the freeze.
 */
export async function freezeHolder(
  world: World,
  deployment: string,
  frozenMs: number,
  beyond = true,
): Promise<Frozen> {
  const action = await begin(world, deployment, 'update', 'tree 600')
  const holder = await holderOf(world, action)
  await sleep(world.random.between(0, 500))
  let awake = false
  let staleTried = 0
  const takeBack = world.judge((program, { statement, values }) => {
    const stale = awake && beyond && program.name === holder.name
    if (stale && writes.test(statement) && values.includes(String(action))) staleTried += 1
    return 'pass'
  })
  try {
    const frozenAt = nowMs()
    holder.signal('SIGSTOP')
    const [gone, settled] = [treeGone(world, action), ended(world, action)]
    await Promise.race([sleep(frozenMs), holder.exited])
    awake = true
    holder.signal('SIGCONT')
    const watched = sleep(afterWakeMs)
    if (!beyond) {
      await watched
      await cancelAction(world.urls()[0], action)
    }
    const [goneAt, { state, atMs }] = await Promise.all([gone, settled, watched])
    return { goneMs: beyond ? goneAt - frozenAt : null, settledMs: atMs - frozenAt, state, staleTried }
  } finally {
    takeBack()
  }
}

/**
 * A runner is frozen after it has claimed an action and before it starts it; another one takes it and runs it; then the
 * first one wakes up and goes on where it was. It must be refused. `standing` is called when it stands still; nobody else may
 * end it meanwhile.
 */
export async function freezeBetweenClaimAndStart(
  world: World,
  deployment: string,
  standing: () => void,
): Promise<void> {
  const hold = world.file(`hold-${deployment}`)
  await writeFile(hold, '')
  const action = await begin(world, deployment, 'update', 'tree 6')
  let claimer = ''
  await until(`action ${action} is claimed`, async () => {
    const [row] = await world.journal.query(
      `select by from fault.writes where action_id = $1 and (after ->> 'epoch')::int = 1 limit 1`,
      [action],
    )
    claimer = String(row?.by ?? '')
    return claimer !== ''
  })
  const first = world.runners().find(({ name }) => name === claimer)
  if (first === undefined) throw new Error(`action ${action} was claimed by ${claimer}, which is gone`)
  first.signal('SIGSTOP')
  standing()
  await until(`another one takes action ${action}`, async () => {
    const [row] = await world.journal.query('select lease_epoch from actions where id = $1', [action])
    return Number(row?.lease_epoch) >= 2
  })
  await rm(hold)
  await startedBy(world, action)
  first.signal('SIGCONT')
  await ended(world, action)
  if (!first.lives()) throw new Error(`${claimer} was to wake up, and is gone`)
}
