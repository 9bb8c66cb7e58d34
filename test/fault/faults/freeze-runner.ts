/** Runners that stand still for a while (SIGSTOP): while a script runs, and between the claim and the start of one. */

import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { withTimeout } from '../../../lib/with-timeout.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { cancelAction } from '../harness/http-client.ts'
import {
  startAction,
  waitForActionEnd,
  waitForProcessesGone,
  waitForRunner,
  waitForScriptStart,
  waitUntil,
} from './operations.ts'

export type FreezeResult = {
  /** Null when the runner woke in time and went on with its script. */
  processesGoneMs: number | null
  settledMs: number
  state: string
  /** What the runner asked of the database for this action once it was awake again, its lease being over. */
  staleWriteAttempts: number
}

/** By then a runner has renewed its lease, or heard that it cannot. */
const afterWakeMs = 4000
const writeStatements =
  /update actions set lease_expires_at|finish_action\(|insert into action_output|for update/

/**
 * Freezes whoever runs a long script, for so long. `beyond` the lease: the script must be gone before the action is taken. Within
 * it: the runner goes on with its script, and the action is cancelled. The times are from the freeze.
 */
export async function freezeRunner(
  cluster: Cluster,
  deployment: string,
  frozenMs: number,
  beyond = true,
): Promise<FreezeResult> {
  const action = await startAction(cluster, deployment, 'update', 'tree 600')
  const holder = await waitForRunner(cluster, action)
  await sleep(cluster.random.between(0, 500))
  let awake = false
  let staleTried = 0
  const stopIntercepting = cluster.interceptStatements((program, { sql, values }) => {
    const stale = awake && beyond && program.name === holder.name
    if (stale && writeStatements.test(sql) && values.includes(String(action))) staleTried += 1
    return 'pass'
  })
  try {
    const frozenAt = nowMs()
    holder.signal('SIGSTOP')
    const [gone, settled] = [waitForProcessesGone(cluster, action), waitForActionEnd(cluster, action)]
    await withTimeout(holder.exited, frozenMs, () => {})
    awake = true
    holder.signal('SIGCONT')
    const watched = sleep(afterWakeMs)
    if (!beyond) {
      await watched
      await cancelAction(cluster.serverUrls()[0], action)
    }
    const [goneAt, { state, atMs }] = await Promise.all([gone, settled, watched])
    return {
      processesGoneMs: beyond ? goneAt - frozenAt : null,
      settledMs: atMs - frozenAt,
      state,
      staleWriteAttempts: staleTried,
    }
  } finally {
    stopIntercepting()
  }
}

/**
 * A runner is frozen after it has claimed an action and before it starts it; another one takes it and runs it; then the
 * first one wakes up and goes on where it was. It must be refused. `standing` is called when it stands still; nobody else may
 * end it meanwhile.
 */
export async function freezeBetweenClaimAndStart(
  cluster: Cluster,
  deployment: string,
  standing: () => void,
): Promise<void> {
  const hold = cluster.scriptFile(`hold-${deployment}`)
  await writeFile(hold, '')
  const action = await startAction(cluster, deployment, 'update', 'tree 6')
  let claimer = ''
  await waitUntil(`action ${action} is claimed`, async () => {
    const [row] = await cluster.journal.query(
      `select by from fault.writes where action_id = $1 and (after ->> 'epoch')::int = 1 limit 1`,
      [action],
    )
    claimer = String(row?.by ?? '')
    return claimer !== ''
  })
  const first = cluster.runners().find(({ name }) => name === claimer)
  if (first === undefined) throw new Error(`action ${action} was claimed by ${claimer}, which is gone`)
  first.signal('SIGSTOP')
  standing()
  await waitUntil(`another one takes action ${action}`, async () => {
    const [row] = await cluster.journal.query('select fencing_token from actions where id = $1', [action])
    return Number(row?.fencing_token) >= 2
  })
  await rm(hold)
  await waitForScriptStart(cluster, action)
  first.signal('SIGCONT')
  await waitForActionEnd(cluster, action)
  if (!first.isAlive()) throw new Error(`${claimer} was to wake up, and is gone`)
}
