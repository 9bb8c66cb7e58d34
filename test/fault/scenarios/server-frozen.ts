/**
 * SIGSTOP of a server for 5, 25 and 60 s under load while requests are under way in it; the clients send the same keys to the
 * other server at once, and the frozen one goes on with its own when it wakes: one action each.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Intention } from '../rig/asking.ts'
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import type { Server } from '../rig/programs.ts'
import type { World } from '../rig/world.ts'
import { fatesOf } from './fates.ts'
import { allRunning, freshKey, make } from './moves.ts'
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
  async run(world, times) {
    const rounds = times(1)
    const names = Array.from({ length: atOnce }, (_, at) => `twice-${at}`)
    await make(world, names)
    const load = startLoad(world, {
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
        const [one, other] = world.servers()
        if (one === undefined || other === undefined) throw new Error('a server has ended')
        const [victim, witness] = at % 2 === 0 ? [one, other] : [other, one]
        const intentions = names.map((deployment) => {
          const key = freshKey('twice')
          keys.add(key)
          return { key, kind: 'update', deployment, behave: 'quick' } satisfies Intention
        })
        acceptedMs.push(...(await freezeServer(world, victim, witness, 1000 * long, intentions)))
        await allRunning(world, names)
      }
    await load.stop()
    await world.quiet()
    const mine = world.asked.filter(({ key }) => keys.has(key))
    const unkept = mine.filter(({ answers }) => answers.at(-1)?.is !== 'accepted').length
    const halfway = mine.filter(({ answers }) => answers.length > 1).length
    return {
      rounds: `${rounds} each, ${keys.size} keys sent to both`,
      figures: [{ what: 'accepted by the other server', budgetMs: null, timesMs: acceptedMs }],
      counts: [
        { what: 'requests caught under way', count: halfway, must: { atLeast: 1 } },
        { what: 'not accepted in the end', count: unkept, must: 0 },
        ...(await fatesOf(world, mine)),
      ],
    }
  },
}

/** How long the other server took to accept each. */
async function freezeServer(
  world: World,
  victim: Server,
  other: Server,
  frozenMs: number,
  intentions: readonly Intention[],
): Promise<number[]> {
  const frozen = Promise.withResolvers<void>()
  const both = intentions.map(async (intention) => {
    await sleep(world.random.between(0, spreadMs))
    const first = ask(world.asked, () => [victim.url], world.random, intention)
    await frozen.promise
    const atMs = nowMs()
    await ask(world.asked, () => [other.url], world.random, intention)
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
