/** What the scenarios share: to make deployments, to begin an action, to learn who holds it and when it has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isActive } from '../checker/history.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { type ClientRequest, type Kind, sendUntilAnswered, timeoutMs } from '../harness/http-client.ts'
import type { Program } from '../harness/programs.ts'

let keys = 0
/** A key nobody has used in this run. */
export const createKey = (word: string) => {
  keys += 1
  return `${word}-key-${keys}`
}

/** Begins an action and gives its id; throws when it was refused, or never answered. */
export async function startAction(
  cluster: Cluster,
  deployment: string,
  kind: Kind,
  behave?: string,
  urls: () => string[] = cluster.serverUrls,
): Promise<number> {
  const intention: ClientRequest = { key: createKey(deployment), kind, deployment, behaviour: behave }
  const answer = await sendUntilAnswered(cluster.requests, urls, cluster.random, intention)
  if (answer?.outcome !== 'accepted') throw new Error(`${kind} of ${deployment}: ${JSON.stringify(answer)}`)
  return answer.action
}

/** Deployments of these names that are running. */
export async function createDeployments(
  cluster: Cluster,
  names: readonly string[],
  behave = 'quick',
): Promise<void> {
  const created = await Promise.all(names.map((name) => startAction(cluster, name, 'create', behave)))
  await Promise.all(created.map((action) => waitForActionEnd(cluster, action)))
  await waitUntilRunning(cluster, names)
}

/** Waits until they have been checked and could be updated. */
export async function waitUntilRunning(cluster: Cluster, names: readonly string[]): Promise<void> {
  await waitUntil('they are running', async () => {
    const [row] = await cluster.journal.query(
      `select count(*)::int from deployments where name = any($1) and status = 'Running'`,
      [names],
    )
    return Number(row?.count) === names.length
  })
}

/** Waits until the action has ended; gives its state, and when that was committed. */
export async function waitForActionEnd(
  cluster: Cluster,
  action: number,
  limitMs = timeoutMs,
): Promise<{ state: string; atMs: number }> {
  let state = 'gone'
  await waitUntil(
    `action ${action} has ended`,
    async () => {
      const [row] = await cluster.journal.query('select state from actions where id = $1', [action])
      state = String(row?.state ?? 'gone')
      return !isActive(state)
    },
    limitMs,
  )
  return { state, atMs: nowMs() }
}

/** Waits until its script runs, and gives the runner that holds it; throws when that is lost already. */
export async function waitForRunner(cluster: Cluster, action: number): Promise<Program> {
  const name = await waitForScriptStart(cluster, action)
  const holder = cluster.runners().find((runner) => runner.name === name)
  if (holder === undefined) throw new Error(`action ${action} is held by ${name}, which is gone`)
  return holder
}

/** Waits until its script runs (or it has ended already), and gives the name of the runner that took it last. */
export async function waitForScriptStart(cluster: Cluster, action: number): Promise<string> {
  let name = ''
  await waitUntil(`the script of action ${action} runs`, async () => {
    const [row] = await cluster.journal.query(
      `select by, a.state from fault.writes w join actions a on a.id = w.action_id
      where a.id = $1 and what = 'row' and (after ->> 'epoch')::int > (before ->> 'epoch')::int order by seq desc limit 1`,
      [action],
    )
    name = String(row?.by ?? '')
    if (row !== undefined && !isActive(String(row.state))) return true
    return row?.state === 'running' && cluster.processObserver.alive().some((one) => one.action === action)
  })
  return name
}

export type LostRunner = { action: number; killedMs: number; next: Promise<Program> }

/** Begins a long script and kills who holds it, so long after its start; `next` takes its place. */
export async function killRunner(cluster: Cluster, deployment: string, afterMs = 0): Promise<LostRunner> {
  const action = await startAction(cluster, deployment, 'update', 'tree 600')
  const holder = await waitForScriptStart(cluster, action)
  await sleep(afterMs)
  const killedMs = nowMs()
  // It may have been somebody else's victim at the same time: lost is lost.
  cluster
    .runners()
    .find(({ name }) => name === holder)
    ?.signal('SIGKILL')
  return { action, killedMs, next: cluster.addRunner() }
}

/** Waits until no process of the action is alive; gives the time. */
export async function waitForProcessesGone(
  cluster: Cluster,
  action: number,
  limitMs = timeoutMs,
): Promise<number> {
  await waitUntil(
    `all processes of action ${action} are gone`,
    async () => !cluster.processObserver.alive().some((one) => one.action === action),
    limitMs,
  )
  return nowMs()
}

export async function waitUntil(
  what: string,
  fact: () => Promise<boolean>,
  limitMs = timeoutMs,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await fact().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await sleep(30)
  }
}
