/** Redis killed, frozen, flushed, away for 60 s, each under a steady load: accepting goes on, scripts start by polling. */
import { Redis } from 'ioredis'
import { queues } from '../../../db/names.ts'
import { nowMs } from '../rig/clock.ts'
import type { World } from '../rig/world.ts'
import { begin, make } from './moves.ts'
import { acceptedIn, serverErrors, startDelays } from './probe.ts'
import type { Scenario } from './scenario.ts'
import { breakStore, figuresOf, type StoreFault } from './store-faults.ts'

const faultsOf = (bellsLost: (count: number) => void): StoreFault[] => [
  {
    name: 'killed, started at once',
    happen: ({ stores }) => stores.redis.kill(),
    lastsMs: 0,
    mend: ({ stores }) => stores.redis.start(),
  },
  {
    name: 'frozen for 15 s',
    happen: async ({ stores }) => stores.redis.pause(),
    lastsMs: 15_000,
    mend: async ({ stores }) => stores.redis.resume(),
  },
  {
    name: 'flushed',
    happen: async (world) => bellsLost(await flushBells(world)),
    lastsMs: 0,
    mend: async () => {},
  },
  {
    name: 'away for 60 s',
    happen: ({ stores }) => stores.redis.stop(),
    lastsMs: 60_000,
    mend: ({ stores }) => stores.redis.start(),
  },
]

/** Their archive is never done, and can be asked for again. */
const rung = Array.from({ length: 5 }, (_, at) => `again-rung-${at}`)

/** What was accepted so long ago at least has surely been looked for. */
const lookedForMs = 7000
/** So long after the return it must be rung for what is accepted. */
const rungForMs = 30_000
/** A start later than this was not rung for. */
const rungMs = 900

export const redisFaults: Scenario = {
  title: 'Redis killed, frozen, flushed, away',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(world, times) {
    const rounds = times(0.5)
    await make(world, rung)
    let bells = 0
    const faults = faultsOf((lost) => {
      bells += lost
    })
    // Scripts that take no time: every delay is the system's.
    const load = { behaviours: ['quick'], cancelPercent: 0 }
    const broken = await breakStore(world, rounds, faults, load, rungForMs + lookedForMs)
    const delays = await startDelays(world, nowMs())
    let errors = 0
    const figures = figuresOf(broken, ({ fromMs, backMs, untilMs }) => {
      errors += serverErrors(world.asked, fromMs, untilMs)
      const overMs = Math.max(backMs, fromMs + 5000)
      const between = (least: number, most: number) =>
        delays.filter(({ acceptedMs }) => acceptedMs >= least && acceptedMs < most)
      const since = between(backMs, untilMs - lookedForMs)
      const slow = since.filter(({ delayMs }) => delayMs > rungMs)
      return [
        {
          what: 'POST accepted',
          budgetMs: 1500,
          of: 'p99',
          timesMs: acceptedIn(world.asked, fromMs, overMs, untilMs),
        },
        {
          what: 'start of the script',
          budgetMs: 6000,
          timesMs: between(fromMs, overMs).map(({ delayMs }) => delayMs),
        },
        {
          what: 'the last that was not rung for',
          budgetMs: 10_000,
          // Where nothing was accepted, nothing says that it is rung for.
          timesMs: [
            since.length === 0
              ? untilMs - backMs
              : Math.max(0, ...slow.map(({ acceptedMs, delayMs }) => acceptedMs + delayMs - backMs)),
          ],
        },
      ]
    })
    return {
      rounds: `${rounds} each`,
      figures,
      counts: [
        { what: 'bells lost by the flush', count: bells, must: { atLeast: rounds } },
        { what: 'answers 5xx to a POST', count: errors, must: 0 },
      ],
    }
  },
}

/** Flushes while bells wait, for the runners stand still. Gives how many were lost. */
async function flushBells(world: World): Promise<number> {
  const runners = world.runners()
  const redis = new Redis(world.stores.redis.url)
  for (const runner of runners) runner.signal('SIGSTOP')
  try {
    // An archive asks no runner before it is accepted.
    await Promise.all(rung.map((name) => begin(world, name, 'archive')))
    const lost = await redis.llen(`${world.prefix}:${queues.actions}:wait`)
    await world.stores.redis.flush()
    return lost
  } finally {
    for (const runner of runners) runner.signal('SIGCONT')
    redis.disconnect()
  }
}
