/** What both stores go through: under a steady load one fault after the other, each followed by a time to come back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import type { World } from '../rig/world.ts'
import type { Figure } from './scenario.ts'

export type StoreFault = {
  name: string
  happen(world: World): Promise<void>
  lastsMs: number
  mend(world: World): Promise<void>
}
/** The fault was there from `fromMs` to `backMs`; it was looked on until `untilMs`. */
export type Time = { fromMs: number; backMs: number; untilMs: number }

const recoveryMs = 15_000

/** Every fault so many times; `measure` is called after each and gives times by what they are, with their budgets. */
export async function breakStore(
  world: World,
  rounds: number,
  faults: readonly StoreFault[],
  load: { behaviours: readonly string[]; cancelPercent?: number },
  measure: (time: Time) => Promise<Figure[]>,
): Promise<Figure[]> {
  const { stop } = startLoad(world, { deployments: 40, clients: 4, pauseMs: 400, ...load })
  await sleep(5000)
  const figures = new Map<string, Figure>()
  for (let round = 0; round < rounds; round += 1)
    for (const { name, happen, lastsMs, mend } of faults) {
      const fromMs = nowMs()
      await happen(world)
      await sleep(lastsMs)
      await mend(world)
      const backMs = nowMs()
      await sleep(recoveryMs)
      for (const { what, budgetMs, timesMs } of await measure({ fromMs, backMs, untilMs: nowMs() })) {
        const title = `${name}: ${what}`
        figures.set(title, {
          what: title,
          budgetMs,
          timesMs: [...(figures.get(title)?.timesMs ?? []), ...timesMs],
        })
      }
    }
  await stop()
  return [...figures.values()]
}
