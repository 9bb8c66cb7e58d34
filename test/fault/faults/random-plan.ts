/** A random plan of faults of every kind under load, one or two at a time. The seed determines the plan. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../harness/cluster.ts'
import type { Program } from '../harness/programs.ts'
import type { Random } from '../harness/random.ts'

/** Causes a fault and ends it, at most `maxMs` later. Each fault has random numbers of its own. */
type Fault = (cluster: Cluster, random: Random, maxMs: number) => Promise<void>

const pickRunner = (cluster: Cluster, random: Random) => pickProgram(random, cluster.runners())
const pickServer = (cluster: Cluster, random: Random) => pickProgram(random, cluster.servers())
const pickAnyProgram = (cluster: Cluster, random: Random) =>
  pickProgram(random, [...cluster.servers(), ...cluster.runners()])
function pickProgram<T extends Program>(random: Random, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : random.pick(from)
}
const pause = (random: Random, maxMs: number) => sleep(random.between(0.2, 1) * maxMs)

const randomFaults = {
  'a runner is killed': async (cluster, random) => {
    await pickRunner(cluster, random)?.kill()
    await cluster.addRunner()
  },
  'a runner is frozen': async (cluster, random, maxMs) => {
    const runner = pickRunner(cluster, random)
    runner?.signal('SIGSTOP')
    await pause(random, maxMs)
    runner?.signal('SIGCONT')
  },
  'a runner receives SIGTERM': async (cluster, random) => {
    const next = cluster.addRunner()
    await pickRunner(cluster, random)?.stop()
    await next
  },
  'a server is killed': async (cluster, random) => {
    await pickServer(cluster, random)?.kill()
    await cluster.addServer()
  },
  'a server is frozen': async (cluster, random, maxMs) => {
    const server = pickServer(cluster, random)
    server?.signal('SIGSTOP')
    await pause(random, maxMs)
    server?.signal('SIGCONT')
  },
  'a server receives SIGTERM': async (cluster, random) => {
    const next = cluster.addServer()
    await pickServer(cluster, random)?.stop()
    await next
  },
  'Redis is flushed': ({ datastores }) => datastores.redis.flush(),
  'Redis is killed': async (cluster, random, maxMs) => {
    await cluster.datastores.redis.kill()
    await pause(random, maxMs)
    await cluster.datastores.redis.start()
  },
  'Redis is frozen': async (cluster, random, maxMs) => {
    cluster.datastores.redis.pause()
    await pause(random, maxMs)
    cluster.datastores.redis.resume()
  },
  'PostgreSQL is killed': async ({ datastores }) => {
    await datastores.postgres.kill()
    await datastores.postgres.start()
  },
  'PostgreSQL is stopped': async (cluster, random, maxMs) => {
    await cluster.datastores.postgres.stop()
    await pause(random, maxMs)
    await cluster.datastores.postgres.start()
  },
  'one program gets no response from PostgreSQL': async (cluster, random, maxMs) => {
    const program = pickAnyProgram(cluster, random)
    program?.postgres.freeze()
    await pause(random, maxMs)
    program?.postgres.thaw()
  },
  'one program gets no response from Redis': async (cluster, random, maxMs) => {
    const program = pickAnyProgram(cluster, random)
    program?.redis.freeze()
    await pause(random, maxMs)
    program?.redis.thaw()
  },
  'connections to PostgreSQL are reset at COMMIT': async (cluster, random) => {
    const writeStatements = /enqueue_action\(|start_action\(|finish_action\(|fencing_token \+ 1|^COMMIT/i
    const stopIntercepting = cluster.interceptStatements((_, { sql }) =>
      writeStatements.test(sql) && random.below(2) === 0 ? 'reset-after' : 'pass',
    )
    await sleep(1000)
    stopIntercepting()
  },
  'all connections to PostgreSQL and Redis are reset': async (cluster) => {
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
  /** The longest pause between two faults of one of the two loops. */
  pauseMs: number
  maxMs: number
}

/**
 * Two loops cause faults until the time is over. Every kind happens before any kind happens again. Resolves
 * with the faults in order. The seed determines the order and the random numbers of each fault. A fault waits
 * while another one has the same target.
 */
export async function runRandomPlan(cluster: Cluster, options: PlanOptions): Promise<FaultName[]> {
  const { forMs, pauseMs, maxMs } = options
  const deadline = performance.now() + forMs
  const done: FaultName[] = []
  const random = cluster.random.fork()
  const remaining: { name: FaultName; random: Random }[] = []
  // Two faults of one datastore at the same time would end each other.
  const busyTargets = new Set<string>()
  const causeFaults = async (loopRandom: Random) => {
    while (performance.now() < deadline) {
      await sleep(loopRandom.between(0.3, 1) * pauseMs)
      if (remaining.length === 0)
        remaining.push(...shuffle(random).map((name) => ({ name, random: random.fork() })))
      const next = remaining.find(({ name }) => !busyTargets.has(targetOf(name)))
      if (next === undefined) continue
      const { name } = next
      remaining.splice(remaining.indexOf(next), 1)
      busyTargets.add(targetOf(name))
      done.push(name)
      try {
        await randomFaults[name](cluster, next.random, maxMs)
      } finally {
        busyTargets.delete(targetOf(name))
      }
    }
  }
  await Promise.all([causeFaults(random.fork()), causeFaults(random.fork())])
  return done
}

function shuffle(random: Random): FaultName[] {
  const rest = [...names]
  return names.flatMap(() => rest.splice(random.below(rest.length), 1))
}

const targetOf = (name: FaultName) =>
  /^(PostgreSQL|Redis) is [a-z]+$/.exec(name) ? (name.split(' ')[0] ?? '') : name
