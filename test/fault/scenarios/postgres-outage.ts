/**
 * PostgreSQL is killed and restarted, stopped for 30 s, and unresponsive for 30 s. Requests must fail in
 * time, and all must recover.
 */

import { type ProbeResult, probeServers, scriptStarts } from '../faults/probe.ts'
import { runOutages, type StoreOutage, summarize } from '../faults/store-outage.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const programs = (cluster: Cluster) => [...cluster.servers(), ...cluster.runners()]

const outages: StoreOutage[] = [
  {
    name: 'killed and restarted',
    begin: ({ datastores }) => datastores.postgres.kill(),
    lastsMs: 0,
    end: ({ datastores }) => datastores.postgres.start(),
  },
  {
    name: 'stopped for 30 s',
    begin: ({ datastores }) => datastores.postgres.stop(),
    lastsMs: 30_000,
    end: ({ datastores }) => datastores.postgres.start(),
  },
  {
    name: 'unresponsive for 30 s',
    begin: async (cluster) => {
      for (const { postgres } of programs(cluster)) postgres.freeze()
    },
    lastsMs: 30_000,
    end: async (cluster) => {
      for (const { postgres } of programs(cluster)) postgres.thaw()
    },
  },
]

/** A later response counts as late, whatever it is. */
const maxResponseMs = 4000
const recoveryMs = 15_000

export const postgresOutage: Scenario = {
  title: 'PostgreSQL restarted, stopped, unresponsive',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(cluster, scale) {
    const rounds = scale(0.5)
    const probe = await probeServers(cluster)
    const load = { behaviours: ['quick', 'tree 1'] }
    const records = await runOutages(cluster, rounds, outages, load, recoveryMs)
    // The slowest responses have arrived only now.
    await probe.stop()
    const starts = await scriptStarts(cluster)
    const measurements = summarize(records, ({ fromMs, backMs, untilMs }) => {
      const lists = within(probe.lists, fromMs, untilMs)
      const updates = within(probe.updates, fromMs, untilMs)
      const started = starts.find((atMs) => atMs >= backMs) ?? untilMs
      return [
        {
          name: 'list: failed or late, after',
          budgetMs: maxResponseMs,
          timesMs: lists.filter(isBad).map(({ tookMs }) => tookMs),
        },
        {
          name: 'update: failed or late, after',
          budgetMs: maxResponseMs,
          timesMs: updates.filter(isBad).map(({ tookMs }) => tookMs),
        },
        {
          name: 'every list answered again',
          budgetMs: 10_000,
          timesMs: [recoveredAt(lists, backMs, untilMs) - backMs],
        },
        { name: 'the next script starts', budgetMs: 10_000, timesMs: [started - backMs] },
      ]
    })
    const unexpected = probe.lists.filter(({ status }) => status !== 200 && status !== 503)
    return {
      rounds: `${rounds} each, of ${cluster.servers().length} servers`,
      measurements,
      counts: [{ name: 'list responses other than 200 and 503', count: unexpected.length, expected: 0 }],
    }
  },
}

const within = (results: readonly ProbeResult[], fromMs: number, untilMs: number) =>
  results
    .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
    .toSorted((one, other) => one.atMs - other.atMs)

const isBad = ({ status, tookMs }: ProbeResult) =>
  (status !== 200 && status !== 409) || tookMs > maxResponseMs

/** When the first request after the last failed one was answered. */
function recoveredAt(results: readonly ProbeResult[], backMs: number, untilMs: number): number {
  const lastBad = results.findLastIndex(isBad)
  const firstGood = results.find(({ atMs }, at) => at > lastBad && atMs >= backMs)
  return firstGood === undefined ? untilMs : firstGood.atMs + firstGood.tookMs
}
