/** What the scenarios share: to make deployments, to begin an action, to learn who holds it and when it has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isActive } from '../checker/history.ts'
import { ask, type Intention, type Kind, patienceMs } from '../rig/asking.ts'
import { nowMs } from '../rig/clock.ts'
import type { Program } from '../rig/programs.ts'
import type { World } from '../rig/world.ts'

let keys = 0
/** A key nobody has used in this run. */
export const freshKey = (word: string) => {
  keys += 1
  return `${word}-key-${keys}`
}

/** Begins an action and gives its id; throws when it was refused, or never answered. */
export async function begin(
  world: World,
  deployment: string,
  kind: Kind,
  behave?: string,
  urls: () => string[] = world.urls,
): Promise<number> {
  const intention: Intention = { key: freshKey(deployment), kind, deployment, behave }
  const answer = await ask(world.asked, urls, world.random, intention)
  if (answer?.is !== 'accepted') throw new Error(`${kind} of ${deployment}: ${JSON.stringify(answer)}`)
  return answer.action
}

/** Deployments of these names that are running. */
export async function make(world: World, names: readonly string[], behave = 'quick'): Promise<void> {
  const created = await Promise.all(names.map((name) => begin(world, name, 'create', behave)))
  await Promise.all(created.map((action) => ended(world, action)))
  await allRunning(world, names)
}

/** Waits until they have been checked and could be updated. */
export async function allRunning(world: World, names: readonly string[]): Promise<void> {
  await until('they are running', async () => {
    const [row] = await world.journal.query(
      `select count(*)::int from deployments where name = any($1) and status = 'Running'`,
      [names],
    )
    return Number(row?.count) === names.length
  })
}

/** Waits until the action has ended; gives its state, and when that was committed. */
export async function ended(
  world: World,
  action: number,
  limitMs = patienceMs,
): Promise<{ state: string; atMs: number }> {
  let state = 'gone'
  await until(
    `action ${action} has ended`,
    async () => {
      const [row] = await world.journal.query('select state from actions where id = $1', [action])
      state = String(row?.state ?? 'gone')
      return !isActive(state)
    },
    limitMs,
  )
  return { state, atMs: nowMs() }
}

/** Waits until its script runs, and gives the runner that holds it; throws when that is lost already. */
export async function holderOf(world: World, action: number): Promise<Program> {
  const name = await startedBy(world, action)
  const holder = world.runners().find((runner) => runner.name === name)
  if (holder === undefined) throw new Error(`action ${action} is held by ${name}, which is gone`)
  return holder
}

/** Waits until its script runs (or it has ended already), and gives the name of the runner that took it last. */
export async function startedBy(world: World, action: number): Promise<string> {
  let name = ''
  await until(`the script of action ${action} runs`, async () => {
    const [row] = await world.journal.query(
      `select by, a.state from fault.writes w join actions a on a.id = w.action_id
      where a.id = $1 and what = 'row' and (after ->> 'epoch')::int > (before ->> 'epoch')::int order by seq desc limit 1`,
      [action],
    )
    name = String(row?.by ?? '')
    if (row !== undefined && !isActive(String(row.state))) return true
    return row?.state === 'running' && world.witness.alive().some((one) => one.action === action)
  })
  return name
}

export type Lost = { action: number; killedMs: number; next: Promise<Program> }

/** Begins a long script and kills who holds it, so long after its start; `next` takes its place. */
export async function loseHolder(world: World, deployment: string, afterMs = 0): Promise<Lost> {
  const action = await begin(world, deployment, 'update', 'tree 600')
  const holder = await startedBy(world, action)
  await sleep(afterMs)
  const killedMs = nowMs()
  // It may have been somebody else's victim at the same time: lost is lost.
  world
    .runners()
    .find(({ name }) => name === holder)
    ?.signal('SIGKILL')
  return { action, killedMs, next: world.runner() }
}

/** Waits until no process of the action is alive; gives the time. */
export async function treeGone(world: World, action: number, limitMs = patienceMs): Promise<number> {
  await until(
    `all processes of action ${action} are gone`,
    async () => !world.witness.alive().some((one) => one.action === action),
    limitMs,
  )
  return nowMs()
}

export async function until(what: string, fact: () => Promise<boolean>, limitMs = patienceMs): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await fact().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await sleep(30)
  }
}
