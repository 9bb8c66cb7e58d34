/**
 * Ten pushes within two seconds to each of several deployments, with Octopod-When-Busy: wait, while the runner of the first push and
 * a server are killed. The last push of each deployment must be deployed, and at most two scripts may run for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDeployments, createKey, waitForActionEnd, waitForScriptStart } from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import { sendUntilAnswered } from '../harness/http-client.ts'
import type { Scenario } from './scenario.ts'

const deployments = 4
const pushes = 10
const pauseMs = 200

export const secondPushes: Scenario = {
  title: 'ten pushes within two seconds that wait, beside kill -9 of a runner and a server',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(cluster, scale) {
    const rounds = scale(4)
    const timesMs: number[] = []
    const totals = { notDeployed: 0, tooManyRuns: 0, unexpected: 0, superseded: 0 }
    for (let round = 0; round < rounds; round += 1) {
      const names = Array.from({ length: deployments }, (_, at) => `push-${round}-${at}`)
      await createDeployments(cluster, names)
      const pushed = await Promise.all(names.map((name) => push(cluster, name)))
      const lastAnswerMs = performance.now()
      for (const actions of pushed) {
        const last = actions.at(-1) ?? 0
        await waitForActionEnd(cluster, last)
        timesMs.push(performance.now() - lastAnswerMs)
        const outcome = await readOutcome(cluster, actions)
        for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += outcome[name]
      }
    }
    await cluster.waitUntilQuiet()
    return {
      rounds: `${rounds} of ${deployments} deployments with ${pushes} pushes each`,
      measurements: [{ name: 'last push deployed, after its answer', budgetMs: 60_000, timesMs }],
      counts: [
        { name: 'deployments without the config of their last push', count: totals.notDeployed, expected: 0 },
        {
          name: 'scripts beyond two, although the first ran until the last push',
          count: totals.tooManyRuns,
          expected: 0,
        },
        { name: 'pushes that ended in another way', count: totals.unexpected, expected: 0 },
        { name: 'superseded pushes', count: totals.superseded, expected: { atLeast: 1 } },
      ],
    }
  },
}

/** Resolves with the ids of the actions, in the order of the pushes. */
async function push(cluster: Cluster, deployment: string): Promise<number[]> {
  const actions: number[] = []
  let killing: Promise<unknown> | null = null
  for (let at = 0; at < pushes; at += 1) {
    const response = await sendUntilAnswered(cluster.requests, cluster.serverUrls, cluster.random, {
      key: createKey(deployment),
      kind: 'update',
      deployment,
      behaviour: at === 0 ? 'sleep 4' : 'quick',
      version: String(at),
      whenBusy: 'wait',
    })
    if (response?.outcome !== 'accepted')
      throw new Error(`push ${at} of ${deployment}: ${JSON.stringify(response)}`)
    actions.push(response.action)
    if (at === 0 && deployment.endsWith('-0')) killing = killRunnerAndServer(cluster, response.action)
    await sleep(pauseMs)
  }
  await killing
  return actions
}

async function killRunnerAndServer(cluster: Cluster, action: number): Promise<void> {
  const holder = await waitForScriptStart(cluster, action)
  cluster
    .runners()
    .find(({ name }) => name === holder)
    ?.signal('SIGKILL')
  cluster.random.pick(cluster.servers()).signal('SIGKILL')
  await Promise.all([cluster.addRunner(), cluster.addServer()])
}

async function readOutcome(cluster: Cluster, actions: readonly number[]) {
  const rows = await cluster.journal.query(
    `select a.id::int, a.state, a.started_at is not null as ran, a.finished_at > (
       select created_at from actions where id = $2) as lasted, d.app_overrides @> '[["version",{"contents":"9"}]]' as deployed
     from actions a join deployments d on d.id = a.deployment_id where a.id = any($1) order by a.id`,
    [actions, actions.at(-1)],
  )
  const runs = rows.filter(({ ran }) => ran)
  const expected = (state: unknown, at: number) =>
    at === rows.length - 1
      ? state === 'succeeded'
      : ['succeeded', 'superseded', 'interrupted'].includes(String(state))
  return {
    notDeployed: rows.at(-1)?.deployed ? 0 : 1,
    tooManyRuns: runs[0]?.lasted ? Math.max(0, runs.length - 2) : 0,
    unexpected: rows.filter(({ state }, at) => !expected(state, at)).length,
    superseded: rows.filter(({ state }) => state === 'superseded').length,
  }
}
