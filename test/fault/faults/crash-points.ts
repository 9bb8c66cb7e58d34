/**
 * Crashes at single statements: the program that sends the statement first is killed before PostgreSQL
 * receives it, or after PostgreSQL has executed it and before the response arrives. The programs need no
 * hook: the proxy in front of PostgreSQL knows the statement.
 */

import type { Cluster } from '../harness/cluster.ts'
import type { Program } from '../harness/programs.ts'
import { killRunner, startAction, waitForActionEnd, waitUntil } from './operations.ts'

type CrashPoint = {
  sql: RegExp
  /** The transaction must have sent this before. */
  earlierInTransaction?: RegExp
  program: 'runner' | 'server'
  /** Makes a program send the statement. Resolves with the action that must end nevertheless. */
  trigger(cluster: Cluster, deployment: string): Promise<number>
}

const update = (behaviour: string) => (cluster: Cluster, deployment: string) =>
  startAction(cluster, deployment, 'update', behaviour)

/** The action of a lost runner is work for the recovery. */
async function loseRunner(cluster: Cluster, deployment: string): Promise<number> {
  const { action, next } = await killRunner(cluster, deployment)
  await next
  return action
}

async function cleanUp(cluster: Cluster, deployment: string): Promise<number> {
  await waitForActionEnd(cluster, await startAction(cluster, deployment, 'archive'))
  await waitUntil('the deployment is archived', async () => {
    const [row] = await cluster.journal.query('select status from deployments where name = $1', [deployment])
    return row?.status === 'Archived'
  })
  return startAction(cluster, deployment, 'cleanup')
}

export const crashPoints = {
  enqueue: { program: 'server', sql: /enqueue_action\(/, trigger: update('quick') },
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
  delete: { program: 'runner', sql: /delete from deployments where id/, trigger: cleanUp },
  'delete behind': { program: 'runner', sql: /delete from action_output/, trigger: cleanUp },
  recover: { program: 'runner', sql: /for update of a skip locked/, trigger: loseRunner },
  'end of a lost action': {
    program: 'runner',
    sql: /fencing_token = fencing_token \+ 1/,
    trigger: loseRunner,
  },
  retry: { program: 'runner', sql: /insert into actions .*attempt/s, trigger: loseRunner },
  'commit of the recovery': {
    program: 'runner',
    sql: /^commit/i,
    earlierInTransaction: /skip locked/,
    trigger: loseRunner,
  },
  'commit of a check': {
    program: 'runner',
    sql: /^commit/i,
    earlierInTransaction: /update deployment_checks set\s/,
    trigger: update('quick'),
  },
} satisfies Record<string, CrashPoint>

export type CrashPointName = keyof typeof crashPoints
export type When = 'before' | 'after'
export type Crash = { point: CrashPointName; when: When }

export const allCrashes: Crash[] = (Object.keys(crashPoints) as CrashPointName[]).flatMap((point) => [
  { point, when: 'before' },
  { point, when: 'after' },
])

/**
 * Runs all crashes at the same time, each on its own deployment. A new program replaces each victim. Rejects
 * when a statement was never sent, when a victim keeps running, or when an accepted action has not ended.
 */
export async function crashAtEach(
  cluster: Cluster,
  crashes: readonly Crash[],
  nameFor: (crash: Crash) => string = deploymentNameFor,
): Promise<void> {
  const pending = new Set(crashes)
  const victims = new Map<Program, Crash>()
  const replacements: Promise<unknown>[] = []
  // The program that sends a statement first is the victim of that crash, and of no other.
  const stopIntercepting = cluster.interceptStatements((program, { sql, earlierInTransaction }) => {
    const kind = cluster.servers().some(({ name }) => name === program.name) ? 'server' : 'runner'
    const crash = [...pending].find(({ point }) => {
      const expected: CrashPoint = crashPoints[point]
      return (
        expected.program === kind &&
        expected.sql.test(sql) &&
        (expected.earlierInTransaction?.test(earlierInTransaction) ?? true)
      )
    })
    if (crash === undefined || victims.has(program) || !program.isAlive()) return 'pass'
    pending.delete(crash)
    victims.set(program, crash)
    const kill = () => program.signal('SIGKILL')
    replacements.push(kind === 'server' ? cluster.addServer() : cluster.addRunner())
    if (crash.when === 'after') return { dropResponse: kill }
    kill()
    return 'reset-before'
  })
  try {
    // All actions start at the same time.
    const actions = await Promise.all(
      crashes.map((crash) => crashPoints[crash.point].trigger(cluster, nameFor(crash))),
    )
    await waitUntil('all statements were sent', async () => pending.size === 0).catch((error: Error) => {
      throw new Error(`${error.message}, missing: ${[...pending].map(describeCrash)}`)
    })
    for (const [victim, crash] of victims)
      await waitUntil(
        `the victim of the crash ${describeCrash(crash)} has ended`,
        async () => !victim.isAlive(),
      )
    await Promise.all(replacements)
    // Every accepted action ends nevertheless.
    await Promise.all(actions.map((action) => waitForActionEnd(cluster, action)))
  } finally {
    stopIntercepting()
    await Promise.allSettled(replacements)
  }
}

const describeCrash = ({ point, when }: Crash) => `${when} ${point}`

/** The deployment of a crash. The caller creates it before. */
export const deploymentNameFor = ({ point, when }: Crash) =>
  `s${Object.keys(crashPoints).indexOf(point)}-${when}`
