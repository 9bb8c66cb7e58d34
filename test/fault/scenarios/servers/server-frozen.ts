/**
 * SIGSTOP of a server for 5, 25 and 60 s while it processes requests. The clients send the same keys to the
 * other server at once, and the frozen server continues with its requests later. Each key must be one action.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDeployments, createKey, waitUntilRunning } from '../../faults/operations.ts'
import { countLostAndDuplicated } from '../../faults/outcomes.ts'
import { nowMs } from '../../harness/clock.ts'
import type { Cluster } from '../../harness/cluster.ts'
import { type ClientRequest, sendUntilAnswered } from '../../harness/http-client.ts'
import { startLoad } from '../../harness/load-generator.ts'
import type { Server } from '../../harness/programs.ts'
import type { Scenario } from '../scenario.ts'

const seconds = [5, 25, 60]
const atOnce = 20
/** The requests are sent within this time; the freeze is in the middle of it. */
const spreadMs = 60

export const serverFrozen: Scenario = {
  title: 'SIGSTOP of a server for 5, 25, 60 s',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(cluster, scale) {
    const rounds = scale(1)
    const names = Array.from({ length: atOnce }, (_, at) => `twice-${at}`)
    await createDeployments(cluster, names)
    const load = startLoad(cluster, {
      deployments: 20,
      clients: 4,
      pauseMs: 300,
      behaviours: ['quick', 'tree 1'],
      cancelPercent: 0,
    })
    const acceptedMs: number[] = []
    const keys = new Set<string>()
    for (let round = 0; round < rounds; round += 1)
      for (const [at, frozenSeconds] of seconds.entries()) {
        const [one, other] = cluster.servers()
        if (one === undefined || other === undefined) throw new Error('a server has ended')
        const [victim, backup] = at % 2 === 0 ? [one, other] : [other, one]
        const requests = names.map((deployment) => {
          const key = createKey('twice')
          keys.add(key)
          return { key, kind: 'update', deployment, behaviour: 'quick' } satisfies ClientRequest
        })
        acceptedMs.push(...(await freezeServer(cluster, victim, backup, 1000 * frozenSeconds, requests)))
        await waitUntilRunning(cluster, names)
      }
    await load.stop()
    await cluster.waitUntilQuiet()
    const sent = cluster.requests.filter(({ key }) => keys.has(key))
    const notAccepted = sent.filter(({ responses }) => responses.at(-1)?.outcome !== 'accepted').length
    const caught = sent.filter(({ responses }) => responses.length > 1).length
    return {
      rounds: `${rounds} each, ${keys.size} keys sent to both`,
      measurements: [{ name: 'accepted by the other server', budgetMs: null, timesMs: acceptedMs }],
      counts: [
        { name: 'requests in progress at the freeze', count: caught, expected: { atLeast: 1 } },
        { name: 'not accepted in the end', count: notAccepted, expected: 0 },
        ...(await countLostAndDuplicated(cluster, sent)),
      ],
    }
  },
}

/** Resolves with the times that the other server took to accept each request. */
async function freezeServer(
  cluster: Cluster,
  victim: Server,
  other: Server,
  frozenMs: number,
  requests: readonly ClientRequest[],
): Promise<number[]> {
  const frozen = Promise.withResolvers<void>()
  const accepted = requests.map(async (request) => {
    await sleep(cluster.random.between(0, spreadMs))
    const first = sendUntilAnswered(cluster.requests, () => [victim.url], cluster.random, request)
    await frozen.promise
    const atMs = nowMs()
    await sendUntilAnswered(cluster.requests, () => [other.url], cluster.random, request)
    const tookMs = nowMs() - atMs
    await first
    return tookMs
  })
  await sleep(spreadMs / 2)
  victim.signal('SIGSTOP')
  frozen.resolve()
  await sleep(frozenMs)
  victim.signal('SIGCONT')
  return Promise.all(accepted)
}
