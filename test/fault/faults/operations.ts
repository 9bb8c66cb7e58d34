/**
 * Steps that the scenarios share: create deployments, start an action, wait for its runner, its script and
 * its end.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { findChildProcesses } from '../../helpers/find-processes.ts'
import { isActive, isEnd } from '../checker/history.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { type ClientRequest, type Kind, sendUntilAnswered, timeoutMs } from '../harness/http-client.ts'
import type { Program } from '../harness/programs.ts'

let keys = 0
/** An idempotency key that is unique in this run. */
export const createKey = (prefix: string) => {
  keys += 1
  return `${prefix}-key-${keys}`
}

/** Starts an action and resolves with its id. Throws when it was rejected or got no final response. */
export async function startAction(
  cluster: Cluster,
  deployment: string,
  kind: Kind,
  behaviour?: string,
  serverUrls: () => string[] = cluster.serverUrls,
): Promise<number> {
  const request: ClientRequest = { key: createKey(deployment), kind, deployment, behaviour }
  const response = await sendUntilAnswered(cluster.requests, serverUrls, cluster.random, request)
  if (response?.outcome !== 'accepted')
    throw new Error(`${kind} of ${deployment}: ${JSON.stringify(response)}`)
  return response.action
}

/** Creates deployments with these names and waits until they are running. */
export async function createDeployments(
  cluster: Cluster,
  names: readonly string[],
  behaviour = 'quick',
): Promise<void> {
  const created = await Promise.all(names.map((name) => startAction(cluster, name, 'create', behaviour)))
  await Promise.all(created.map((action) => waitForActionEnd(cluster, action)))
  await waitUntilRunning(cluster, names)
}

/** Waits until the checks have succeeded, so that the deployments can be updated. */
export async function waitUntilRunning(cluster: Cluster, names: readonly string[]): Promise<void> {
  await waitUntil('the deployments are running', async () => {
    const [row] = await cluster.journal.query(
      `select count(*)::int from deployments where name = any($1) and status = 'Running'`,
      [names],
    )
    return Number(row?.count) === names.length
  })
}

/** Resolves with the final state of the action and the time of its commit. */
export async function waitForActionEnd(
  cluster: Cluster,
  action: number,
  limitMs = timeoutMs,
): Promise<{ state: string; atMs: number }> {
  let state = 'deleted'
  await waitUntil(
    `action ${action} has ended`,
    async () => {
      const [row] = await cluster.journal.query('select state from actions where id = $1', [action])
      state = String(row?.state ?? 'deleted')
      return isEnd(state)
    },
    limitMs,
  )
  return { state, atMs: nowMs() }
}

/** Resolves with the runner of the action when its script runs. Throws when that runner has ended. */
export async function waitForRunner(cluster: Cluster, action: number): Promise<Program> {
  const name = await waitForScriptStart(cluster, action)
  const holder = cluster.runners().find((runner) => runner.name === name)
  if (holder === undefined) throw new Error(`action ${action} is held by ${name}, which has ended`)
  return holder
}

/**
 * Waits until the script runs or the action has ended. Resolves with the name of the runner that claimed the
 * action last.
 */
export async function waitForScriptStart(cluster: Cluster, action: number): Promise<string> {
  let name = ''
  await waitUntil(`the script of action ${action} runs`, async () => {
    const [row] = await cluster.journal.query(
      `select program, a.state from fault.writes w join actions a on a.id = w.action_id
      where a.id = $1 and w.type = 'row' and (after ->> 'fencingToken')::int > (before ->> 'fencingToken')::int order by seq desc limit 1`,
      [action],
    )
    name = String(row?.program ?? '')
    if (row !== undefined && !isActive(String(row.state))) return true
    return row?.state === 'running' && cluster.processObserver.alive().some((one) => one.action === action)
  })
  return name
}

export type LostRunner = { action: number; killedMs: number; next: Promise<Program> }

/** Starts a long script and kills its runner `afterMs` after the start. `next` is the runner that replaces it. */
export async function killRunner(
  cluster: Cluster,
  deployment: string,
  afterMs = 0,
  kill: (runner: Program) => void = (runner) => runner.signal('SIGKILL'),
): Promise<LostRunner> {
  const action = await startAction(cluster, deployment, 'update', 'tree 600')
  const holder = await waitForScriptStart(cluster, action)
  await sleep(afterMs)
  const killedMs = nowMs()
  // Another fault may have killed it at the same time; the result is the same.
  const runner = cluster.runners().find(({ name }) => name === holder)
  if (runner !== undefined) kill(runner)
  return { action, killedMs, next: cluster.addRunner() }
}

/** Kills a runner and its watchdog in one moment, so that neither ends the scripts of the runner. */
export function killWithWatchdog(runner: Program): void {
  if (!runner.isAlive()) return
  for (const pid of findChildProcesses(runner.pid, 'watchdog.sh')) process.kill(pid, 'SIGKILL')
  runner.signal('SIGKILL')
}

/** Resolves with the time when no process of the action is alive. */
export async function waitForProcessesGone(
  cluster: Cluster,
  action: number,
  limitMs = timeoutMs,
): Promise<number> {
  await waitUntil(
    `all processes of action ${action} have ended`,
    async () => !cluster.processObserver.alive().some((one) => one.action === action),
    limitMs,
  )
  return nowMs()
}

/** An error of `check` counts as false. */
export async function waitUntil(
  description: string,
  check: () => Promise<boolean>,
  limitMs = timeoutMs,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await check().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${description}`)
    await sleep(30)
  }
}
