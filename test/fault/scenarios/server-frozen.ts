/**
 * SIGSTOP of a server for 5, 25 and 60 s under load while requests are under way in it; the clients send the same keys to the
 * other server at once, and the frozen one goes on with its own when it wakes: one action each.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDeployments, createKey, waitUntilRunning } from '../faults/operations.ts'
import { countLostAndDuplicated } from '../faults/outcomes.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { type ClientRequest, sendUntilAnswered } from '../harness/http-client.ts'
import { startLoad } from '../harness/load-generator.ts'
import type { Server } from '../harness/programs.ts'
import type { Scenario } from './scenario.ts'

const seconds = [5, 25, 60]
const atOnce = 20
/** The requests come within this time; the freeze in the middle of it. */
const spreadMs = 60

export const serverFrozen: Scenario = {
  title: 'SIGSTOP of a server for 5, 25, 60 s',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(cluster, times) {
    const rounds = times(1)
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
      for (const [at, long] of seconds.entries()) {
        const [one, other] = cluster.servers()
        if (one === undefined || other === undefined) throw new Error('a server has ended')
        const [victim, witness] = at % 2 === 0 ? [one, other] : [other, one]
        const intentions = names.map((deployment) => {
          const key = createKey('twice')
          keys.add(key)
          return { key, kind: 'update', deployment, behaviour: 'quick' } satisfies ClientRequest
        })
        acceptedMs.push(...(await freezeServer(cluster, victim, witness, 1000 * long, intentions)))
        await waitUntilRunning(cluster, names)
      }
    await load.stop()
    await cluster.waitUntilQuiet()
    const mine = cluster.requests.filter(({ key }) => keys.has(key))
    const unkept = mine.filter(({ responses }) => responses.at(-1)?.outcome !== 'accepted').length
    const halfway = mine.filter(({ responses }) => responses.length > 1).length
    return {
      rounds: `${rounds} each, ${keys.size} keys sent to both`,
      measurements: [{ what: 'accepted by the other server', budgetMs: null, timesMs: acceptedMs }],
      counts: [
        { name: 'requests caught under way', count: halfway, expected: { atLeast: 1 } },
        { name: 'not accepted in the end', count: unkept, expected: 0 },
        ...(await countLostAndDuplicated(cluster, mine)),
      ],
    }
  },
}

/** How long the other server took to accept each. */
async function freezeServer(
  cluster: Cluster,
  victim: Server,
  other: Server,
  frozenMs: number,
  intentions: readonly ClientRequest[],
): Promise<number[]> {
  const frozen = Promise.withResolvers<void>()
  const both = intentions.map(async (intention) => {
    await sleep(cluster.random.between(0, spreadMs))
    const first = sendUntilAnswered(cluster.requests, () => [victim.url], cluster.random, intention)
    await frozen.promise
    const atMs = nowMs()
    await sendUntilAnswered(cluster.requests, () => [other.url], cluster.random, intention)
    const tookMs = nowMs() - atMs
    await first
    return tookMs
  })
  await sleep(spreadMs / 2)
  victim.signal('SIGSTOP')
  frozen.resolve()
  await sleep(frozenMs)
  victim.signal('SIGCONT')
  return Promise.all(both)
}
