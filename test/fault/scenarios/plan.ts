/** A random plan: faults of every kind at random moments under load, one or two at a time. The seed makes the plan. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from '../rig/programs.ts'
import type { World } from '../rig/world.ts'

/** What a fault does; it mends itself, at most `longestMs` later. */
type Fault = (world: World, longestMs: number) => Promise<void>

const someRunner = (world: World) => some(world, world.runners())
const someServer = (world: World) => some(world, world.servers())
const someProgram = (world: World) => some(world, [...world.servers(), ...world.runners()])
function some<T extends Program>(world: World, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : world.random.pick(from)
}
const pause = (world: World, longestMs: number) => sleep(world.random.between(0.2, 1) * longestMs)

export const faults = {
  'a runner is killed': async (world) => {
    await someRunner(world)?.kill()
    await world.runner()
  },
  'a runner is frozen': async (world, longestMs) => {
    const runner = someRunner(world)
    runner?.signal('SIGSTOP')
    await pause(world, longestMs)
    runner?.signal('SIGCONT')
  },
  'a runner is told to stop': async (world) => {
    const next = world.runner()
    await someRunner(world)?.stop()
    await next
  },
  'a server is killed': async (world) => {
    await someServer(world)?.kill()
    await world.server()
  },
  'a server is frozen': async (world, longestMs) => {
    const server = someServer(world)
    server?.signal('SIGSTOP')
    await pause(world, longestMs)
    server?.signal('SIGCONT')
  },
  'a server is told to stop': async (world) => {
    const next = world.server()
    await someServer(world)?.stop()
    await next
  },
  'Redis is flushed': ({ stores }) => stores.redis.flush(),
  'Redis is killed': async (world, longestMs) => {
    await world.stores.redis.kill()
    await pause(world, longestMs)
    await world.stores.redis.start()
  },
  'Redis is frozen': async (world, longestMs) => {
    world.stores.redis.pause()
    await pause(world, longestMs)
    world.stores.redis.resume()
  },
  'PostgreSQL is killed': async ({ stores }) => {
    await stores.postgres.kill()
    await stores.postgres.start()
  },
  'PostgreSQL is away': async (world, longestMs) => {
    await world.stores.postgres.stop()
    await pause(world, longestMs)
    await world.stores.postgres.start()
  },
  'PostgreSQL is a black hole for one program': async (world, longestMs) => {
    const program = someProgram(world)
    program?.postgres.freeze()
    await pause(world, longestMs)
    program?.postgres.thaw()
  },
  'Redis is a black hole for one program': async (world, longestMs) => {
    const program = someProgram(world)
    program?.redis.freeze()
    await pause(world, longestMs)
    program?.redis.thaw()
  },
  'connections to PostgreSQL are reset during COMMIT': async (world) => {
    const acts = /begin_action\(|start_action\(|finish_action\(|lease_epoch \+ 1|^COMMIT/i
    const takeBack = world.judge((_, { statement }) =>
      acts.test(statement) && world.random.below(2) === 0 ? 'cut-after' : 'pass',
    )
    await sleep(1000)
    takeBack()
  },
  'all connections to the stores are reset': async (world) => {
    for (const { postgres, redis } of [...world.servers(), ...world.runners()]) {
      postgres.cut()
      redis.cut()
    }
  },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
const names = Object.keys(faults) as FaultName[]

export type PlanOptions = {
  forMs: number
  /** Between two faults of one of the two hands that make them. */
  pauseMs: number
  longestMs: number
  tell?: (words: string) => void
}

/** Two hands make faults until the time is over; every kind comes before any comes again. Gives what was done, in order. */
export async function followPlan(world: World, options: PlanOptions): Promise<FaultName[]> {
  const { forMs, pauseMs, longestMs, tell = () => {} } = options
  const until = performance.now() + forMs
  const done: FaultName[] = []
  let bag: FaultName[] = []
  // Two hands on one store at once would only mend each other's fault.
  const busy = new Set<string>()
  const hand = async () => {
    while (performance.now() < until) {
      await sleep(world.random.between(0.3, 1) * pauseMs)
      if (bag.length === 0) bag = [...names]
      const free = bag.filter((name) => !busy.has(placeOf(name)))
      if (free.length === 0) continue
      const name = world.random.pick(free)
      bag.splice(bag.indexOf(name), 1)
      busy.add(placeOf(name))
      done.push(name)
      tell(name)
      try {
        await faults[name](world, longestMs)
      } finally {
        busy.delete(placeOf(name))
      }
    }
  }
  await Promise.all([hand(), hand()])
  return done
}

const placeOf = (name: FaultName) =>
  /^(PostgreSQL|Redis) is [a-z]+$/.exec(name) ? (name.split(' ')[0] ?? '') : name
