/** PostgreSQL killed and started at once, away for 30 s, black-holed: refused in time, nothing half accepted, back by itself. */
import type { World } from '../rig/world.ts'
import { firstStart, probeList } from './probe.ts'
import type { Scenario } from './scenario.ts'
import { breakStore, type StoreFault } from './store-faults.ts'

const programs = (world: World) => [...world.servers(), ...world.runners()]

const faults: StoreFault[] = [
  {
    name: 'killed, started at once',
    happen: ({ stores }) => stores.postgres.kill(),
    lastsMs: 0,
    mend: ({ stores }) => stores.postgres.start(),
  },
  {
    name: 'away for 30 s',
    happen: ({ stores }) => stores.postgres.stop(),
    lastsMs: 30_000,
    mend: ({ stores }) => stores.postgres.start(),
  },
  {
    name: 'black-holed for 30 s',
    happen: async (world) => {
      for (const { postgres } of programs(world)) postgres.freeze()
    },
    lastsMs: 30_000,
    mend: async (world) => {
      for (const { postgres } of programs(world)) postgres.thaw()
    },
  },
]

export const postgresFaults: Scenario = {
  title: 'PostgreSQL restarted, away, black-holed',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(world, times) {
    const rounds = times(0.5)
    const probe = probeList(world)
    let others = 0
    const load = { behaviours: ['quick', 'tree 1'] }
    const figures = await breakStore(world, rounds, faults, load, async ({ fromMs, backMs, untilMs }) => {
      const looks = probe.looks
        .filter(({ atMs, tookMs }) => atMs >= fromMs && atMs + tookMs <= untilMs)
        .toSorted((one, other) => one.atMs - other.atMs)
      const bad = looks.filter(({ status }) => status !== 200)
      others += bad.filter(({ status }) => status !== 503).length
      const lastBad = looks.findLastIndex(({ status }) => status !== 200)
      const good = looks.find(({ atMs }, at) => at > lastBad && atMs >= backMs)
      const started = await firstStart(world, backMs)
      return [
        { what: '503 after', budgetMs: 4000, timesMs: bad.map(({ tookMs }) => tookMs) },
        {
          what: 'every list answered again',
          budgetMs: 10_000,
          timesMs: [(good === undefined ? untilMs : good.atMs + good.tookMs) - backMs],
        },
        { what: 'the next script starts', budgetMs: 10_000, timesMs: [(started ?? untilMs) - backMs] },
      ]
    })
    await probe.stop()
    return {
      rounds: `${rounds} each`,
      figures,
      counts: [{ what: 'answers other than 200 and 503', count: others, must: 0 }],
    }
  },
}
