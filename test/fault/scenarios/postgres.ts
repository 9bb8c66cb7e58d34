/** PostgreSQL killed and started at once, away for 30 s, black-holed: refused in time, nothing half accepted, back by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import type { World } from '../rig/world.ts'
import { probeList } from './probe.ts'
import { add } from './redis.ts'
import type { Figure, Scenario } from './scenario.ts'

type Fault = {
  name: string
  happen(world: World): Promise<void>
  lastsMs: number
  mend(world: World): Promise<void>
}

const programs = (world: World) => [...world.servers(), ...world.runners()]

const faults: Fault[] = [
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
    const rounds = times(1)
    const load = startLoad(world, {
      deployments: 40,
      clients: 4,
      pauseMs: 400,
      behaviours: ['quick', 'tree 1'],
    })
    await sleep(5000)
    const figures: Figure[] = []
    for (let round = 0; round < rounds; round += 1)
      for (const fault of faults) {
        const probe = probeList(world)
        const fromMs = nowMs()
        await fault.happen(world)
        await sleep(fault.lastsMs)
        await fault.mend(world)
        const backMs = nowMs()
        await sleep(15_000)
        await probe.stop()
        const refused = probe.looks.filter(({ atMs, status }) => atMs >= fromMs && status === 503)
        add(
          figures,
          `${fault.name}: 503 after`,
          4000,
          refused.map(({ tookMs }) => tookMs),
        )
        const lastBad = probe.looks
          .filter(({ status }) => status !== 200)
          .toSorted((a, b) => a.atMs - b.atMs)
          .at(-1)
        add(figures, `${fault.name}: list answered again`, 10_000, [
          lastBad === undefined ? 0 : Math.max(0, lastBad.atMs + lastBad.tookMs - backMs),
        ])
      }
    await load.stop()
    return { rounds: `${rounds} each`, figures }
  },
}
