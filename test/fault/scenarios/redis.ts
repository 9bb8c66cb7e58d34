/** Redis killed, frozen, flushed, away for 60 s, each under a steady load: accepting goes on, scripts start by polling. */
import { acceptedIn, startDelays } from './probe.ts'
import type { Scenario } from './scenario.ts'
import { breakStore, type StoreFault } from './store-faults.ts'

const faults: StoreFault[] = [
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
  { name: 'flushed', happen: ({ stores }) => stores.redis.flush(), lastsMs: 0, mend: async () => {} },
  {
    name: 'away for 60 s',
    happen: ({ stores }) => stores.redis.stop(),
    lastsMs: 60_000,
    mend: ({ stores }) => stores.redis.start(),
  },
]

/** What was accepted so long ago at least has surely been looked for. */
const lookedForMs = 7000
/** A start later than this was not rung for. */
const rungMs = 900

export const redisFaults: Scenario = {
  title: 'Redis killed, frozen, flushed, away',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(world, times) {
    const rounds = times(0.5)
    // Scripts that take no time: every delay is the system's.
    const load = { behaviours: ['quick'], cancelPercent: 0 }
    const figures = await breakStore(world, rounds, faults, load, async ({ fromMs, backMs, untilMs }) => {
      const overMs = Math.max(backMs, fromMs + 5000)
      const delays = await startDelays(world, fromMs, untilMs - lookedForMs)
      const during = delays.filter(({ acceptedMs }) => acceptedMs < overMs)
      const since = delays.filter(({ acceptedMs }) => acceptedMs >= backMs)
      const slow = since.findLast(({ delayMs }) => delayMs > rungMs)
      return [
        { what: 'POST accepted', budgetMs: 1500, timesMs: acceptedIn(world.asked, fromMs, overMs) },
        { what: 'start of the script', budgetMs: 6000, timesMs: during.map(({ delayMs }) => delayMs) },
        {
          what: 'the last that was not rung for',
          budgetMs: 10_000,
          timesMs: [slow ? slow.acceptedMs + slow.delayMs - backMs : 0],
        },
      ]
    })
    return { rounds: `${rounds} each`, figures }
  },
}
