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
export type Broken = Time & { name: string }

const answerMs = 5000

/** Every fault so many times, each looked on for `afterMs` once it is over. Gives when each was there; the load has ended then. */
export async function breakStore(
  world: World,
  rounds: number,
  faults: readonly StoreFault[],
  load: { behaviours: readonly string[]; cancelPercent?: number },
  afterMs: number,
): Promise<Broken[]> {
  const { stop } = startLoad(world, { deployments: 40, clients: 4, pauseMs: 400, ...load })
  const broken: Broken[] = []
  try {
    await sleep(5000)
    for (let round = 0; round < rounds; round += 1)
      for (const { name, happen, lastsMs, mend } of faults) {
        const fromMs = nowMs()
        await happen(world)
        await sleep(lastsMs)
        await mend(world)
        const backMs = nowMs()
        await sleep(afterMs)
        broken.push({ name, fromMs, backMs, untilMs: nowMs() })
        // What was asked until then has its answer before the next fault.
        await sleep(answerMs)
      }
  } finally {
    await stop()
  }
  return broken
}

/** `measure` gives the times of one fault by what they are; those of all its rounds come together. */
export function figuresOf(broken: readonly Broken[], measure: (time: Time) => Figure[]): Figure[] {
  const figures = new Map<string, Figure>()
  for (const { name, ...time } of broken)
    for (const figure of measure(time)) {
      const what = `${name}: ${figure.what}`
      figures.set(what, {
        ...figure,
        what,
        timesMs: [...(figures.get(what)?.timesMs ?? []), ...figure.timesMs],
      })
    }
  return [...figures.values()]
}
