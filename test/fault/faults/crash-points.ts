/**
 * A crash at every step: the program that reaches a statement first is killed before PostgreSQL has seen it, or after it was
 * done and before the answer came. No hook in the programs: the proxy in front of PostgreSQL knows the statement.
 */

import type { Cluster } from '../harness/cluster.ts'
import type { Program } from '../harness/programs.ts'
import { killRunner, startAction, waitForActionEnd, waitUntil } from './operations.ts'

type CrashPoint = {
  sql: RegExp
  /** What the transaction must have done before. */
  earlierInTransaction?: RegExp
  program: 'runner' | 'server'
  /** What makes it happen; the action that must end after all. */
  trigger(cluster: Cluster, deployment: string): Promise<number>
}

const update = (behave: string) => (cluster: Cluster, deployment: string) =>
  startAction(cluster, deployment, 'update', behave)

/** A runner that is lost leaves something to sweep. */
async function loseRunner(cluster: Cluster, deployment: string): Promise<number> {
  const { action, next } = await killRunner(cluster, deployment)
  await next
  return action
}

async function cleanUp(cluster: Cluster, deployment: string): Promise<number> {
  await waitForActionEnd(cluster, await startAction(cluster, deployment, 'archive'))
  await waitUntil('it is archived', async () => {
    const [row] = await cluster.journal.query('select status from deployments where name = $1', [deployment])
    return row?.status === 'Archived'
  })
  return startAction(cluster, deployment, 'cleanup')
}

export const crashPoints = {
  begin: { program: 'server', sql: /enqueue_action\(/, trigger: update('quick') },
  claim: {
    program: 'runner',
    sql: /set fencing_token = a\.fencing_token \+ 1/,
    trigger: update('quick'),
  },
  start: { program: 'runner', sql: /start_action\(/, trigger: update('tree 1') },
  output: { program: 'runner', sql: /insert into action_output/, trigger: update('tree 1') },
  renew: {
    program: 'runner',
    sql: /update actions set lease_expires_at = now\(\) \+/,
    trigger: update('tree 2'),
  },
  finish: { program: 'runner', sql: /finish_action\(/, trigger: update('quick') },
  forget: { program: 'runner', sql: /delete from deployments where id/, trigger: cleanUp },
  sweep: { program: 'runner', sql: /for update of a skip locked/, trigger: loseRunner },
  'end of the lost': {
    program: 'runner',
    sql: /fencing_token = fencing_token \+ 1/,
    trigger: loseRunner,
  },
  retry: { program: 'runner', sql: /insert into actions .*attempt/s, trigger: loseRunner },
  'commit of the sweep': {
    program: 'runner',
    sql: /^commit/i,
    earlierInTransaction: /skip locked/,
    trigger: loseRunner,
  },
  'commit of a check': {
    program: 'runner',
    sql: /^commit/i,
    earlierInTransaction: /update deployments set checked_at/,
    trigger: update('quick'),
  },
} satisfies Record<string, CrashPoint>

export type CrashPointName = keyof typeof crashPoints
export type When = 'before' | 'after'
export type Crash = { point: CrashPointName; when: When }

export const allCrashes: Crash[] = (Object.keys(crashPoints) as CrashPointName[]).flatMap((step) => [
  { point: step, when: 'before' },
  { point: step, when: 'after' },
])

/**
 * All these crashes in one go, each on a deployment of its own; the place of a victim is taken at once. Rejects when a step was
 * never reached, when a victim lives on, or when what was accepted has not ended.
 */
export async function crashAtEach(
  cluster: Cluster,
  crashes: readonly Crash[],
  nameFor: (crash: Crash) => string = deploymentNameFor,
): Promise<void> {
  const pending = new Set(crashes)
  const victims = new Map<Program, Crash>()
  const places: Promise<unknown>[] = []
  // First: whoever reaches a step first is its victim, and nobody else's.
  const stopIntercepting = cluster.interceptStatements((program, { sql, earlierInTransaction }) => {
    const of = cluster.servers().some(({ name }) => name === program.name) ? 'server' : 'runner'
    const crash = [...pending].find(({ point }) => {
      const aimed: CrashPoint = crashPoints[point]
      return (
        aimed.program === of &&
        aimed.sql.test(sql) &&
        (aimed.earlierInTransaction?.test(earlierInTransaction) ?? true)
      )
    })
    if (crash === undefined || victims.has(program) || !program.isAlive()) return 'pass'
    pending.delete(crash)
    victims.set(program, crash)
    const end = () => program.signal('SIGKILL')
    places.push(of === 'server' ? cluster.addServer() : cluster.addRunner())
    if (crash.when === 'after') return { mute: end }
    end()
    return 'cut-before'
  })
  try {
    // Then: everything happens at once.
    const begun = await Promise.all(
      crashes.map((crash) => crashPoints[crash.point].trigger(cluster, nameFor(crash))),
    )
    await waitUntil('all steps are reached', async () => pending.size === 0).catch((error: Error) => {
      throw new Error(`${error.message}, wanting ${[...pending].map(describeCrash)}`)
    })
    for (const [victim, crash] of victims)
      await waitUntil(`the victim of ${describeCrash(crash)} is gone`, async () => !victim.isAlive())
    await Promise.all(places)
    // Finally: what was accepted has ended all the same.
    await Promise.all(begun.map((action) => waitForActionEnd(cluster, action)))
  } finally {
    stopIntercepting()
    await Promise.allSettled(places)
  }
}

const describeCrash = ({ point, when }: Crash) => `${when} ${point}`

/** The deployment of a crash: made before. */
export const deploymentNameFor = ({ point, when }: Crash) =>
  `s${Object.keys(crashPoints).indexOf(point)}-${when}`
