/** What both stores go through: under a steady load one fault after the other, each followed by a time to come back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { startLoad } from '../harness/load-generator.ts'
import type { Measurement } from '../scenarios/scenario.ts'

export type StoreOutage = {
  name: string
  begin(cluster: Cluster): Promise<void>
  lastsMs: number
  end(cluster: Cluster): Promise<void>
}
/** The fault was there from `fromMs` to `backMs`; it was looked on until `untilMs`. */
export type OutagePeriod = { fromMs: number; backMs: number; untilMs: number }
export type OutageRecord = OutagePeriod & { name: string }

const answerMs = 5000

/** Every fault so many times, each looked on for `afterMs` once it is over. Gives when each was there; the load has ended then. */
export async function runOutages(
  cluster: Cluster,
  rounds: number,
  faults: readonly StoreOutage[],
  load: { behaviours: readonly string[]; cancelPercent?: number },
  afterMs: number,
): Promise<OutageRecord[]> {
  const { stop } = startLoad(cluster, { deployments: 40, clients: 4, pauseMs: 400, ...load })
  const broken: OutageRecord[] = []
  try {
    await sleep(5000)
    for (let round = 0; round < rounds; round += 1)
      for (const { name, begin, lastsMs, end } of faults) {
        const fromMs = nowMs()
        await begin(cluster)
        await sleep(lastsMs)
        await end(cluster)
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
export function summarize(
  broken: readonly OutageRecord[],
  measure: (time: OutagePeriod) => Measurement[],
): Measurement[] {
  const figures = new Map<string, Measurement>()
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
