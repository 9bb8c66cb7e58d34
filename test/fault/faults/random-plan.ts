/** A random plan: faults of every kind at random moments under load, one or two at a time. The seed makes the plan. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../harness/cluster.ts'
import type { Program } from '../harness/programs.ts'
import type { Random } from '../harness/random.ts'

/** What a fault does; it mends itself, at most `longestMs` later. Its chance is its own, whatever others need meanwhile. */
type Fault = (cluster: Cluster, random: Random, longestMs: number) => Promise<void>

const pickRunner = (cluster: Cluster, random: Random) => pickProgram(random, cluster.runners())
const pickServer = (cluster: Cluster, random: Random) => pickProgram(random, cluster.servers())
const pickAnyProgram = (cluster: Cluster, random: Random) =>
  pickProgram(random, [...cluster.servers(), ...cluster.runners()])
function pickProgram<T extends Program>(random: Random, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : random.pick(from)
}
const pause = (random: Random, longestMs: number) => sleep(random.between(0.2, 1) * longestMs)

export const randomFaults = {
  'a runner is killed': async (cluster, random) => {
    await pickRunner(cluster, random)?.kill()
    await cluster.addRunner()
  },
  'a runner is frozen': async (cluster, random, longestMs) => {
    const runner = pickRunner(cluster, random)
    runner?.signal('SIGSTOP')
    await pause(random, longestMs)
    runner?.signal('SIGCONT')
  },
  'a runner is told to stop': async (cluster, random) => {
    const next = cluster.addRunner()
    await pickRunner(cluster, random)?.stop()
    await next
  },
  'a server is killed': async (cluster, random) => {
    await pickServer(cluster, random)?.kill()
    await cluster.addServer()
  },
  'a server is frozen': async (cluster, random, longestMs) => {
    const server = pickServer(cluster, random)
    server?.signal('SIGSTOP')
    await pause(random, longestMs)
    server?.signal('SIGCONT')
  },
  'a server is told to stop': async (cluster, random) => {
    const next = cluster.addServer()
    await pickServer(cluster, random)?.stop()
    await next
  },
  'Redis is flushed': ({ datastores }) => datastores.redis.flush(),
  'Redis is killed': async (cluster, random, longestMs) => {
    await cluster.datastores.redis.kill()
    await pause(random, longestMs)
    await cluster.datastores.redis.start()
  },
  'Redis is frozen': async (cluster, random, longestMs) => {
    cluster.datastores.redis.pause()
    await pause(random, longestMs)
    cluster.datastores.redis.resume()
  },
  'PostgreSQL is killed': async ({ datastores }) => {
    await datastores.postgres.kill()
    await datastores.postgres.start()
  },
  'PostgreSQL is away': async (cluster, random, longestMs) => {
    await cluster.datastores.postgres.stop()
    await pause(random, longestMs)
    await cluster.datastores.postgres.start()
  },
  'PostgreSQL is a black hole for one program': async (cluster, random, longestMs) => {
    const program = pickAnyProgram(cluster, random)
    program?.postgres.freeze()
    await pause(random, longestMs)
    program?.postgres.thaw()
  },
  'Redis is a black hole for one program': async (cluster, random, longestMs) => {
    const program = pickAnyProgram(cluster, random)
    program?.redis.freeze()
    await pause(random, longestMs)
    program?.redis.thaw()
  },
  'connections to PostgreSQL are reset during COMMIT': async (cluster, random) => {
    const acts = /enqueue_action\(|start_action\(|finish_action\(|fencing_token \+ 1|^COMMIT/i
    const stopIntercepting = cluster.interceptStatements((_, { sql }) =>
      acts.test(sql) && random.below(2) === 0 ? 'cut-after' : 'pass',
    )
    await sleep(1000)
    stopIntercepting()
  },
  'all connections to the stores are reset': async (cluster) => {
    for (const { postgres, redis } of [...cluster.servers(), ...cluster.runners()]) {
      postgres.resetConnections()
      redis.resetConnections()
    }
  },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof randomFaults
const names = Object.keys(randomFaults) as FaultName[]

export type PlanOptions = {
  forMs: number
  /** Between two faults of one of the two hands that make them. */
  pauseMs: number
  longestMs: number
}

/**
 * Two hands make faults until the time is over; every kind comes before any comes again. Gives what was done, in order. The seed
 * makes the order and each fault's own chance; only where two faults would share a place the later one is passed over for a while.
 */
export async function runRandomPlan(cluster: Cluster, options: PlanOptions): Promise<FaultName[]> {
  const { forMs, pauseMs, longestMs } = options
  const until = performance.now() + forMs
  const done: FaultName[] = []
  const chance = cluster.random.fork()
  const bag: { name: FaultName; random: Random }[] = []
  // Two hands on one store at once would only mend each other's fault.
  const busy = new Set<string>()
  const hand = async (own: Random) => {
    while (performance.now() < until) {
      await sleep(own.between(0.3, 1) * pauseMs)
      if (bag.length === 0) bag.push(...shuffled(chance).map((name) => ({ name, random: chance.fork() })))
      const next = bag.find(({ name }) => !busy.has(targetOf(name)))
      if (next === undefined) continue
      const { name, random } = next
      bag.splice(bag.indexOf(next), 1)
      busy.add(targetOf(name))
      done.push(name)
      try {
        await randomFaults[name](cluster, random, longestMs)
      } finally {
        busy.delete(targetOf(name))
      }
    }
  }
  await Promise.all([hand(chance.fork()), hand(chance.fork())])
  return done
}

function shuffled(random: Random): FaultName[] {
  const rest = [...names]
  return names.flatMap(() => rest.splice(random.below(rest.length), 1))
}

const targetOf = (name: FaultName) =>
  /^(PostgreSQL|Redis) is [a-z]+$/.exec(name) ? (name.split(' ')[0] ?? '') : name
