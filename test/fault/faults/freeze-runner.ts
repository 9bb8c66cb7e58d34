/**
 * Freezes a runner with SIGSTOP for a while: while a script runs, or between the claim and the start of an
 * action.
 */

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
  /** Null when the runner continued within its lease and kept its script. */
  processesGoneMs: number | null
  settledMs: number
  state: string
  /** The writes for this action that the runner tried after the end of its lease. */
  staleWriteAttempts: number
}

/** Within this time a runner renews its lease or learns that it cannot. */
const renewalMs = 4000
const writeStatements =
  /update actions set lease_expires_at|finish_action\(|insert into action_output|for update/

/**
 * Freezes the runner of a long script for `frozenMs`. With `beyondLease` the script must end before another
 * runner takes the action; without it the runner keeps its script, and the action is cancelled at the end.
 * All times count from the freeze.
 */
export async function freezeRunner(
  cluster: Cluster,
  deployment: string,
  frozenMs: number,
  beyondLease = true,
): Promise<FreezeResult> {
  const action = await startAction(cluster, deployment, 'update', 'tree 600')
  const runner = await waitForRunner(cluster, action)
  await sleep(cluster.random.between(0, 500))
  let continued = false
  let staleWriteAttempts = 0
  const stopIntercepting = cluster.interceptStatements((program, { sql, values }) => {
    const isStale = continued && beyondLease && program.name === runner.name
    if (isStale && writeStatements.test(sql) && values.includes(String(action))) staleWriteAttempts += 1
    return 'pass'
  })
  try {
    const frozenAt = nowMs()
    runner.signal('SIGSTOP')
    const [processesEnded, actionEnded] = [
      waitForProcessesGone(cluster, action),
      waitForActionEnd(cluster, action),
    ]
    await withTimeout(runner.exited, frozenMs, () => {})
    continued = true
    runner.signal('SIGCONT')
    const observed = sleep(renewalMs)
    if (!beyondLease) {
      await observed
      await cancelAction(cluster.serverUrls()[0], action)
    }
    const [processesEndedAt, { state, atMs }] = await Promise.all([processesEnded, actionEnded, observed])
    return {
      processesGoneMs: beyondLease ? processesEndedAt - frozenAt : null,
      settledMs: atMs - frozenAt,
      state,
      staleWriteAttempts,
    }
  } finally {
    stopIntercepting()
  }
}

/**
 * Freezes a runner after it has claimed an action and before it starts it. Another runner takes the action
 * and runs it. Then the first runner continues, and the database must reject its start. `onFrozen` is called
 * when it is frozen; no other fault may end it.
 */
export async function freezeBetweenClaimAndStart(
  cluster: Cluster,
  deployment: string,
  onFrozen: () => void,
): Promise<void> {
  const hold = cluster.scriptFile(`hold-${deployment}`)
  await writeFile(hold, '')
  const action = await startAction(cluster, deployment, 'update', 'tree 6')
  let claimer = ''
  await waitUntil(`action ${action} is claimed`, async () => {
    const [row] = await cluster.journal.query(
      `select program from fault.writes where action_id = $1 and (after ->> 'fencingToken')::int = 1 limit 1`,
      [action],
    )
    claimer = String(row?.program ?? '')
    return claimer !== ''
  })
  const first = cluster.runners().find(({ name }) => name === claimer)
  if (first === undefined) throw new Error(`action ${action} was claimed by ${claimer}, which has ended`)
  first.signal('SIGSTOP')
  onFrozen()
  await waitUntil(`another runner takes action ${action}`, async () => {
    const [row] = await cluster.journal.query('select fencing_token from actions where id = $1', [action])
    return Number(row?.fencing_token) >= 2
  })
  await rm(hold)
  await waitForScriptStart(cluster, action)
  first.signal('SIGCONT')
  await waitForActionEnd(cluster, action)
  if (!first.isAlive()) throw new Error(`${claimer} has ended instead of continuing`)
}
