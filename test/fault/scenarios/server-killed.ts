/** kill -9 of servers under 50 requests a second, each while it begins an action; every request sent again with its key until it is answered: none lost, none doubled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { crashPoints } from '../faults/crash-points.ts'
import { createDeployments, createKey } from '../faults/operations.ts'
import { countLostAndDuplicated } from '../faults/outcomes.ts'
import type { Cluster } from '../harness/cluster.ts'
import { sendUntilAnswered } from '../harness/http-client.ts'
import type { Program } from '../harness/programs.ts'
import { percentile, type Scenario } from './scenario.ts'

const perSecond = 50
const deployments = 250

export const serverKilled: Scenario = {
  title: 'kill -9 of a server under 50 requests/s',
  servers: 3,
  runners: 2,
  pages: 2,
  async run(cluster, times) {
    const requests = times(2500)
    // An archive that does not come to its end can be asked for again and again: one script each, nothing before it.
    const names = Array.from({ length: deployments }, (_, at) => `again-${at}`)
    for (let at = 0; at < names.length; at += 25) await createDeployments(cluster, names.slice(at, at + 25))
    const from = cluster.requests.length
    let kills = 0
    let over = false
    // Whoever begins an action next is killed, before that is done or after: somebody must ask again.
    let due = false
    const stopIntercepting = cluster.interceptStatements((program, { sql }) => {
      if (!due || !crashPoints.begin.sql.test(sql) || !isServer(cluster, program)) return 'pass'
      due = false
      kills += 1
      const kill = () => program.signal('SIGKILL')
      if (kills % 2 === 0) return { mute: kill }
      kill()
      return 'cut-before'
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
    const under: Promise<unknown>[] = []
    const startedAt = performance.now()
    for (let request = 0; request < requests; request += 1) {
      const dueMs = (request * 1000) / perSecond
      await sleep(Math.max(0, dueMs - (performance.now() - startedAt)))
      const deployment = names[request % names.length] ?? ''
      under.push(
        sendUntilAnswered(cluster.requests, cluster.serverUrls, cluster.random, {
          key: createKey('again'),
          kind: 'archive',
          deployment,
        }),
      )
    }
    await Promise.all(under)
    const tookSeconds = (performance.now() - startedAt) / 1000
    over = true
    await killing
    stopIntercepting()
    await cluster.waitUntilQuiet()
    const mine = cluster.requests.slice(from)
    const accepted = mine.filter(({ responses }) => responses.some(({ outcome }) => outcome === 'accepted'))
    const repeated = mine.filter(({ responses }) => responses.length > 1).length
    const took = accepted.map(({ sentMs, responses }) => (responses.at(-1)?.atMs ?? sentMs) - sentMs)
    return {
      rounds: `${requests} requests in ${tookSeconds.toFixed(0)} s, ${accepted.length} accepted, p50 ${percentile(took, 0.5)} ms`,
      measurements: [{ what: 'accepted, with all repetitions', budgetMs: null, timesMs: took }],
      counts: [
        { name: 'kills', count: kills, expected: { atLeast: 1 } },
        { name: 'sent again', count: repeated, expected: { atLeast: 1 } },
        ...(await countLostAndDuplicated(cluster, mine)),
      ],
    }
  },
}

const isServer = (cluster: Cluster, { name }: Program) =>
  cluster.servers().some((server) => server.name === name)
