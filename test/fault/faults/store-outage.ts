/** Runs outages of a datastore one after the other under a steady load, each followed by time to recover. */
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
/** The outage lasted from `fromMs` to `backMs`; it was observed until `untilMs`. */
export type OutagePeriod = { fromMs: number; backMs: number; untilMs: number }
export type OutageRecord = OutagePeriod & { name: string }

const responseMs = 5000

/**
 * Runs every outage `rounds` times and observes for `afterMs` after each. Resolves with their times when the
 * load has ended.
 */
export async function runOutages(
  cluster: Cluster,
  rounds: number,
  outages: readonly StoreOutage[],
  load: { behaviours: readonly string[]; cancelPercent?: number },
  afterMs: number,
): Promise<OutageRecord[]> {
  const { stop } = startLoad(cluster, { deployments: 40, clients: 4, pauseMs: 400, ...load })
  const records: OutageRecord[] = []
  try {
    await sleep(5000)
    for (let round = 0; round < rounds; round += 1)
      for (const { name, begin, lastsMs, end } of outages) {
        const fromMs = nowMs()
        await begin(cluster)
        await sleep(lastsMs)
        await end(cluster)
        const backMs = nowMs()
        await sleep(afterMs)
        records.push({ name, fromMs, backMs, untilMs: nowMs() })
        // Requests that were sent until then get their responses before the next outage.
        await sleep(responseMs)
      }
  } finally {
    await stop()
  }
  return records
}

/** `measure` returns the measurements of one outage. The times of all rounds of an outage are joined. */
export function summarize(
  records: readonly OutageRecord[],
  measure: (period: OutagePeriod) => Measurement[],
): Measurement[] {
  const joined = new Map<string, Measurement>()
  for (const { name: outage, ...period } of records)
    for (const measurement of measure(period)) {
      const name = `${outage}: ${measurement.name}`
      const timesMs = [...(joined.get(name)?.timesMs ?? []), ...measurement.timesMs]
      joined.set(name, { ...measurement, name, timesMs })
    }
  return [...joined.values()]
}
