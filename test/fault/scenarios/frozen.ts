/** Runners that stand still for a while (SIGSTOP): while a script runs, and between the claim and the start of one. */
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { cancelAction } from '../rig/asking.ts'
import { nowMs } from '../rig/clock.ts'
import type { World } from '../rig/world.ts'
import { begin, ended, holderOf, startedBy, treeGone, until } from './moves.ts'

export type Frozen = { goneMs: number | null; settledMs: number }

/**
 * Freezes whoever runs a long script, for so long. The script must be gone before the action is taken; the times from the freeze
 * are given: `goneMs` is null when the runner woke before its lease was over (the action is then cancelled).
 */
export async function freezeHolder(world: World, deployment: string, frozenMs: number): Promise<Frozen> {
  const action = await begin(world, deployment, 'update', 'tree 600')
  const holder = await holderOf(world, action)
  await sleep(world.random.between(0, 500))
  const frozenAt = nowMs()
  holder.signal('SIGSTOP')
  const [gone, settled] = [treeGone(world, action), ended(world, action)]
  await Promise.race([sleep(frozenMs), holder.exited])
  const goneMs = world.witness.alive().some((one) => one.action === action) ? null : (await gone) - frozenAt
  holder.signal('SIGCONT')
  // One that woke in time goes on with its script.
  if (goneMs === null) await cancelAction(world.urls()[0], action)
  const [{ atMs }] = await Promise.all([settled, gone])
  return { goneMs, settledMs: atMs - frozenAt }
}

/**
 * A runner is frozen after it has claimed an action and before it starts it; another one takes it and runs it; then the
 * first one wakes up and goes on where it was. It must be refused.
 */
export async function freezeBetweenClaimAndStart(world: World, deployment: string): Promise<void> {
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
  first?.signal('SIGSTOP')
  await until(`another one takes action ${action}`, async () => {
    const [row] = await world.journal.query('select lease_epoch from actions where id = $1', [action])
    return Number(row?.lease_epoch) >= 2
  })
  await rm(hold)
  await startedBy(world, action)
  first?.signal('SIGCONT')
  await ended(world, action)
}
