/** Redis killed, frozen, flushed, away for 60 s, each under a steady load: accepting goes on, scripts start by polling. */
import { Redis } from 'ioredis'
import { queueNames } from '../../../db/redis/redis-keys.ts'
import { createDeployments, startAction } from '../faults/operations.ts'
import { acceptanceTimes, serverErrors, startDelays } from '../faults/probe.ts'
import { runOutages, type StoreOutage, summarize } from '../faults/store-outage.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const faultsOf = (bellsLost: (count: number) => void): StoreOutage[] => [
  {
    name: 'killed, started at once',
    begin: ({ datastores }) => datastores.redis.kill(),
    lastsMs: 0,
    end: ({ datastores }) => datastores.redis.start(),
  },
  {
    name: 'frozen for 15 s',
    begin: async ({ datastores }) => datastores.redis.pause(),
    lastsMs: 15_000,
    end: async ({ datastores }) => datastores.redis.resume(),
  },
  {
    name: 'flushed',
    begin: async (cluster) => bellsLost(await flushNotifications(cluster)),
    lastsMs: 0,
    end: async () => {},
  },
  {
    name: 'away for 60 s',
    begin: ({ datastores }) => datastores.redis.stop(),
    lastsMs: 60_000,
    end: ({ datastores }) => datastores.redis.start(),
  },
]

/** Their archive is never done, and can be asked for again. */
const notifiedDeployments = Array.from({ length: 5 }, (_, at) => `again-rung-${at}`)

/** What was accepted so long ago at least has surely been looked for. */
const pollingMs = 7000
/** So long after the return it must be rung for what is accepted. */
const observationMs = 30_000
/** A start later than this was not rung for. */
const maxNotifiedDelayMs = 900

export const redisOutage: Scenario = {
  title: 'Redis killed, frozen, flushed, away',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(cluster, times) {
    const rounds = times(0.5)
    await createDeployments(cluster, notifiedDeployments)
    let bells = 0
    const faults = faultsOf((lost) => {
      bells += lost
    })
    // Scripts that take no time: every delay is the system's.
    const load = { behaviours: ['quick'], cancelPercent: 0 }
    const broken = await runOutages(cluster, rounds, faults, load, observationMs + pollingMs)
    const delays = await startDelays(cluster, nowMs())
    let errors = 0
    const figures = summarize(broken, ({ fromMs, backMs, untilMs }) => {
      errors += serverErrors(cluster.requests, fromMs, untilMs)
      const overMs = Math.max(backMs, fromMs + 5000)
      const between = (least: number, most: number) =>
        delays.filter(({ acceptedMs }) => acceptedMs >= least && acceptedMs < most)
      const since = between(backMs, untilMs - pollingMs)
      const slow = since.filter(({ delayMs }) => delayMs > maxNotifiedDelayMs)
      return [
        {
          what: 'POST accepted',
          budgetMs: 1500,
          of: 'p99',
          timesMs: acceptanceTimes(cluster.requests, fromMs, overMs, untilMs),
        },
        {
          what: 'start of the script',
          budgetMs: 6000,
          timesMs: between(fromMs, overMs).map(({ delayMs }) => delayMs),
        },
        {
          what: 'the last that was not rung for',
          budgetMs: 10_000,
          // Where nothing was accepted, nothing says that it is rung for.
          timesMs: [
            since.length === 0
              ? untilMs - backMs
              : Math.max(0, ...slow.map(({ acceptedMs, delayMs }) => acceptedMs + delayMs - backMs)),
          ],
        },
      ]
    })
    return {
      rounds: `${rounds} each`,
      measurements: figures,
      counts: [
        { name: 'bells lost by the flush', count: bells, expected: { atLeast: rounds } },
        { name: 'answers 5xx to a POST', count: errors, expected: 0 },
      ],
    }
  },
}

/** Flushes while bells wait, for the runners stand still. Gives how many were lost. */
async function flushNotifications(cluster: Cluster): Promise<number> {
  const runners = cluster.runners()
  const redis = new Redis(cluster.datastores.redis.url)
  for (const runner of runners) runner.signal('SIGSTOP')
  try {
    // An archive asks no runner before it is accepted.
    await Promise.all(notifiedDeployments.map((name) => startAction(cluster, name, 'archive')))
    const lost = await redis.llen(`${cluster.redisPrefix}:${queueNames.actions}:wait`)
    await cluster.datastores.redis.flush()
    return lost
  } finally {
    for (const runner of runners) runner.signal('SIGCONT')
    redis.disconnect()
  }
}
