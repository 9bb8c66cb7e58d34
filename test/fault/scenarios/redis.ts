/** Redis killed, frozen, flushed, away for 60 s, each under a steady load: accepting goes on, scripts start by polling. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import type { World } from '../rig/world.ts'
import { acceptedIn, startDelays } from './probe.ts'
import type { Figure, Scenario } from './scenario.ts'

type Fault = {
  name: string
  happen(world: World): Promise<void>
  lastsMs: number
  mend(world: World): Promise<void>
}

const faults: Fault[] = [
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

export const redisFaults: Scenario = {
  title: 'Redis killed, frozen, flushed, away',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(world, times) {
    const rounds = times(1)
    // Scripts that take no time: every delay is the system's.
    const load = startLoad(world, {
      deployments: 40,
      clients: 4,
      pauseMs: 400,
      behaviours: ['quick'],
      cancelPercent: 0,
    })
    await sleep(5000)
    const figures: Figure[] = []
    for (let round = 0; round < rounds; round += 1)
      for (const fault of faults) {
        const fromMs = nowMs()
        await fault.happen(world)
        await sleep(fault.lastsMs)
        await fault.mend(world)
        const backMs = nowMs()
        await sleep(15_000)
        const untilMs = Math.max(backMs, fromMs + 5000)
        const delays = await startDelays(world, fromMs, nowMs() - 7000)
        const during = delays.filter(({ acceptedMs }) => acceptedMs < untilMs)
        const since = delays.filter(({ acceptedMs }) => acceptedMs >= backMs)
        add(figures, `${fault.name}: POST accepted`, 1500, acceptedIn(world.asked, fromMs, untilMs))
        add(
          figures,
          `${fault.name}: start of the script`,
          6000,
          during.map(({ delayMs }) => delayMs),
        )
        // The first after which none needed a runner to look for it.
        const slow = since.findLast(({ delayMs }) => delayMs > 900)
        add(figures, `${fault.name}: bell heard again`, 10_000, [
          slow ? slow.acceptedMs + slow.delayMs - backMs : 0,
        ])
      }
    await load.stop()
    return { rounds: `${rounds} each`, figures }
  },
}

export function add(figures: Figure[], what: string, budgetMs: number | null, timesMs: number[]): void {
  const known = figures.find((figure) => figure.what === what)
  if (known) known.timesMs.push(...timesMs)
  else figures.push({ what, budgetMs, timesMs: [...timesMs] })
}
