/**
 * Redis is killed, frozen, flushed and stopped for 60 s under a steady load. Requests must be accepted, and
 * runners must find actions by polling.
 */
import { Redis } from 'ioredis'
import { queueNames } from '../../../db/redis/redis-keys.ts'
import { createDeployments, startAction } from '../faults/operations.ts'
import { acceptanceTimes, serverErrors, startDelays } from '../faults/probe.ts'
import { runOutages, type StoreOutage, summarize } from '../faults/store-outage.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const createOutages = (onNotificationsLost: (count: number) => void): StoreOutage[] => [
  {
    name: 'killed and restarted',
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
    begin: async (cluster) => onNotificationsLost(await flushNotifications(cluster)),
    lastsMs: 0,
    end: async () => {},
  },
  {
    name: 'stopped for 60 s',
    begin: ({ datastores }) => datastores.redis.stop(),
    lastsMs: 60_000,
    end: ({ datastores }) => datastores.redis.start(),
  },
]

/** The archiving of these deployments never completes, so it can be requested again and again. */
const notifiedDeployments = Array.from({ length: 5 }, (_, at) => `again-notified-${at}`)

/** A runner has polled for every action that was accepted this long ago. */
const pollingMs = 7000
/** For this time after the outage, notifications must arrive again. */
const observationMs = 30_000
/** A later start was found by polling, not by a notification. */
const maxNotifiedDelayMs = 900

export const redisOutage: Scenario = {
  title: 'Redis killed, frozen, flushed, stopped',
  servers: 2,
  runners: 2,
  pages: 4,
  async run(cluster, scale) {
    const rounds = scale(0.5)
    await createDeployments(cluster, notifiedDeployments)
    let lostNotifications = 0
    const outages = createOutages((count) => {
      lostNotifications += count
    })
    // The scripts take no time, so every delay is one of Octopod.
    const load = { behaviours: ['quick'], cancelPercent: 0 }
    const records = await runOutages(cluster, rounds, outages, load, observationMs + pollingMs)
    const delays = await startDelays(cluster, nowMs())
    let errors = 0
    const measurements = summarize(records, ({ fromMs, backMs, untilMs }) => {
      errors += serverErrors(cluster.requests, fromMs, untilMs)
      const overMs = Math.max(backMs, fromMs + 5000)
      const between = (least: number, most: number) =>
        delays.filter(({ acceptedMs }) => acceptedMs >= least && acceptedMs < most)
      const since = between(backMs, untilMs - pollingMs)
      const slow = since.filter(({ delayMs }) => delayMs > maxNotifiedDelayMs)
      return [
        {
          name: 'request accepted',
          budgetMs: 1500,
          percentile: 'p99',
          timesMs: acceptanceTimes(cluster.requests, fromMs, overMs, untilMs),
        },
        {
          name: 'script started',
          budgetMs: 6000,
          timesMs: between(fromMs, overMs).map(({ delayMs }) => delayMs),
        },
        {
          name: 'last start by polling',
          budgetMs: 10_000,
          // Without accepted actions nothing proves that notifications arrive.
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
      measurements,
      counts: [
        { name: 'notifications lost by the flush', count: lostNotifications, expected: { atLeast: rounds } },
        { name: 'responses 5xx', count: errors, expected: 0 },
      ],
    }
  },
}

/**
 * Freezes the runners, so that notifications wait in Redis, and flushes it. Resolves with the number of lost
 * notifications.
 */
async function flushNotifications(cluster: Cluster): Promise<number> {
  const runners = cluster.runners()
  const redis = new Redis(cluster.datastores.redis.url)
  for (const runner of runners) runner.signal('SIGSTOP')
  try {
    // Archiving needs no script query, so it is accepted while the runners are frozen.
    await Promise.all(notifiedDeployments.map((name) => startAction(cluster, name, 'archive')))
    const lost = await redis.llen(`${cluster.redisPrefix}:${queueNames.actions}:wait`)
    await cluster.datastores.redis.flush()
    return lost
  } finally {
    for (const runner of runners) runner.signal('SIGCONT')
    redis.disconnect()
  }
}
