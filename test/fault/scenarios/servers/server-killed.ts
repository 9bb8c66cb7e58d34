/**
 * kill -9 of servers under 50 requests a second, each while it enqueues an action. Clients repeat every
 * request with its key until it is answered: no action may be lost or duplicated.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { crashPoints } from '../../faults/crash-points.ts'
import { createDeployments, createKey } from '../../faults/operations.ts'
import { countLostAndDuplicated } from '../../faults/outcomes.ts'
import type { Cluster } from '../../harness/cluster.ts'
import { sendUntilAnswered } from '../../harness/http-client.ts'
import type { Program } from '../../harness/programs.ts'
import { percentile, type Scenario } from '../scenario.ts'

const perSecond = 50
const deployments = 250

export const serverKilled: Scenario = {
  title: 'kill -9 of a server under 50 requests/s',
  servers: 3,
  runners: 2,
  pages: 2,
  async run(cluster, scale) {
    const requestCount = scale(2500)
    // Archiving that never completes can be requested again and again: each request is one script, without
    // script queries.
    const names = Array.from({ length: deployments }, (_, at) => `again-${at}`)
    for (let at = 0; at < names.length; at += 25) await createDeployments(cluster, names.slice(at, at + 25))
    const firstRequest = cluster.requests.length
    let kills = 0
    let over = false
    // The next server that enqueues an action is killed before or after the commit, so that a client must
    // repeat its request.
    let due = false
    const stopIntercepting = cluster.interceptStatements((program, { sql }) => {
      if (!due || !crashPoints.enqueue.sql.test(sql) || !isServer(cluster, program)) return 'pass'
      due = false
      kills += 1
      const kill = () => program.signal('SIGKILL')
      if (kills % 2 === 0) return { dropResponse: kill }
      kill()
      return 'reset-before'
    })
    const killing = (async () => {
      while (!over) {
        await sleep(cluster.random.between(1500, 4000))
        if (over || cluster.servers().length < 2) continue
        due = true
        while (due && !over) await sleep(10)
        await cluster.addServer()
      }
    })()
    const pending: Promise<unknown>[] = []
    const startedAt = performance.now()
    for (let request = 0; request < requestCount; request += 1) {
      const dueMs = (request * 1000) / perSecond
      await sleep(Math.max(0, dueMs - (performance.now() - startedAt)))
      const deployment = names[request % names.length] ?? ''
      pending.push(
        sendUntilAnswered(cluster.requests, cluster.serverUrls, cluster.random, {
          key: createKey('again'),
          kind: 'archive',
          deployment,
        }),
      )
    }
    await Promise.all(pending)
    const tookSeconds = (performance.now() - startedAt) / 1000
    over = true
    await killing
    stopIntercepting()
    await cluster.waitUntilQuiet()
    const requests = cluster.requests.slice(firstRequest)
    const accepted = requests.filter(({ responses }) =>
      responses.some(({ outcome }) => outcome === 'accepted'),
    )
    const repeated = requests.filter(({ responses }) => responses.length > 1).length
    const took = accepted.map(({ sentMs, responses }) => (responses.at(-1)?.atMs ?? sentMs) - sentMs)
    return {
      rounds: `${requestCount} requests in ${tookSeconds.toFixed(0)} s, ${accepted.length} accepted, p50 ${percentile(took, 0.5)} ms`,
      measurements: [{ name: 'accepted, including repetitions', budgetMs: null, timesMs: took }],
      counts: [
        { name: 'kills', count: kills, expected: { atLeast: 1 } },
        { name: 'repeated requests', count: repeated, expected: { atLeast: 1 } },
        ...(await countLostAndDuplicated(cluster, requests)),
      ],
    }
  },
}

const isServer = (cluster: Cluster, { name }: Program) =>
  cluster.servers().some((server) => server.name === name)
