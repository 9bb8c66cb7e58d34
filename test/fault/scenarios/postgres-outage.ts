/** PostgreSQL killed and started at once, away for 30 s, black-holed: refused in time, nothing half accepted, back by itself. */

import { type ProbeResult, probeServers, scriptStarts } from '../faults/probe.ts'
import { runOutages, type StoreOutage, summarize } from '../faults/store-outage.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const programs = (cluster: Cluster) => [...cluster.servers(), ...cluster.runners()]

const faults: StoreOutage[] = [
  {
    name: 'killed, started at once',
    begin: ({ datastores }) => datastores.postgres.kill(),
    lastsMs: 0,
    end: ({ datastores }) => datastores.postgres.start(),
  },
  {
    name: 'away for 30 s',
    begin: ({ datastores }) => datastores.postgres.stop(),
    lastsMs: 30_000,
    end: ({ datastores }) => datastores.postgres.start(),
  },
  {
    name: 'black-holed for 30 s',
    begin: async (cluster) => {
      for (const { postgres } of programs(cluster)) postgres.freeze()
    },
    lastsMs: 30_000,
    end: async (cluster) => {
      for (const { postgres } of programs(cluster)) postgres.thaw()
    },
  },
]

/** Whoever is answered later than this, whatever the answer, has waited too long. */
const maxResponseMs = 4000
const recoveryMs = 15_000

export const postgresOutage: Scenario = {
  title: 'PostgreSQL restarted, away, black-holed',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(cluster, times) {
    const rounds = times(0.5)
    const probe = await probeServers(cluster)
    const load = { behaviours: ['quick', 'tree 1'] }
    const broken = await runOutages(cluster, rounds, faults, load, recoveryMs)
    // Only now it is known how long the slowest took.
    await probe.stop()
    const starts = await scriptStarts(cluster)
    const figures = summarize(broken, ({ fromMs, backMs, untilMs }) => {
      const lists = within(probe.lists, fromMs, untilMs)
      const posts = within(probe.posts, fromMs, untilMs)
      const started = starts.find((atMs) => atMs >= backMs) ?? untilMs
      return [
        {
          what: 'list: refused, or late, after',
          budgetMs: maxResponseMs,
          timesMs: lists.filter(isBad).map(({ tookMs }) => tookMs),
        },
        {
          what: 'POST: refused, or late, after',
          budgetMs: maxResponseMs,
          timesMs: posts.filter(isBad).map(({ tookMs }) => tookMs),
        },
        {
          what: 'every list answered again',
          budgetMs: 10_000,
          timesMs: [recoveredAt(lists, backMs, untilMs) - backMs],
        },
        { what: 'the next script starts', budgetMs: 10_000, timesMs: [started - backMs] },
      ]
    })
    const others = probe.lists.filter(({ status }) => status !== 200 && status !== 503)
    return {
      rounds: `${rounds} each, of ${cluster.servers().length} servers`,
      measurements: figures,
      counts: [{ name: 'answers of the list other than 200 and 503', count: others.length, expected: 0 }],
    }
  },
}

const within = (looks: readonly ProbeResult[], fromMs: number, untilMs: number) =>
  looks.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).toSorted((one, other) => one.atMs - other.atMs)

const isBad = ({ status, tookMs }: ProbeResult) =>
  (status !== 200 && status !== 409) || tookMs > maxResponseMs

/** When the first was answered after the last that was not. */
function recoveredAt(looks: readonly ProbeResult[], backMs: number, untilMs: number): number {
  const lastBad = looks.findLastIndex(isBad)
  const good = looks.find(({ atMs }, at) => at > lastBad && atMs >= backMs)
  return good === undefined ? untilMs : good.atMs + good.tookMs
}
