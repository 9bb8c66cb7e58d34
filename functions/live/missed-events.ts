/**
 * Detects change events that never arrived, because a publisher ended between commit and publish or Redis was
 * unreachable: compares the number of relayed events with the change counter of PostgreSQL, and sends the clients a
 * resync. After a failover or a restore that lost transactions, a resync shows the clients what is left. Without Redis this is the only source of changes, and the clients learn from the heartbeat that they are
 * delayed. Started by server.ts.
 */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { getChangeCount } from '../../db/queries/deployments.ts'
import type { WebSocketRelay } from './websocket.ts'

export type MissedEventWatcher = { recordRelayed(): void; stop(): void }

/** An event may take `intervalMs` to arrive: a change counted at one check must have been relayed at the next. */
export async function watchMissedEvents(
  db: Database,
  log: Logger,
  { resync, setDelayed }: Pick<WebSocketRelay, 'resync' | 'setDelayed'>,
  redis: Redis,
  intervalMs = 5000,
): Promise<MissedEventWatcher> {
  let { changes: expectedCount, started } = await getChangeCount(db)
  let relayedCount = expectedCount
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const check = async () => {
    setDelayed(
      await redis.ping().then(
        () => false,
        () => true,
      ),
    )
    try {
      // Only these were counted for certain when the version was read; the event of a later change may arrive before it.
      const relayedBefore = relayedCount
      const current = await getChangeCount(db)
      if (current.started !== started || current.changes < expectedCount) {
        log.info('PostgreSQL was restarted or replaced; clients told to resync')
        resync()
        relayedCount += current.changes - relayedBefore
      } else if (relayedCount < expectedCount) {
        log.info({ missed: expectedCount - relayedCount }, 'missed change events; clients told to resync')
        resync()
        relayedCount = expectedCount
      } else {
        relayedCount -= Math.max(0, relayedBefore - current.changes)
      }
      expectedCount = current.changes
      started = current.started
    } catch {
      // PostgreSQL is unreachable: the next check compares again.
    }
    if (!stopped) timer = setTimeout(check, intervalMs)
  }
  timer = setTimeout(check, intervalMs)
  return {
    recordRelayed: () => {
      relayedCount += 1
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
