/**
 * Notices events that never arrived (a publisher died between commit and publish, Redis was away) by comparing what
 * was relayed with how many changes PostgreSQL has counted, and has the clients fetch again. Law 7. While Redis is away
 * that is the only way to hear of changes, and clients are told so.
 */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { getListVersion } from '../../db/queries/deployments.ts'
import type { WebSocketRelay } from './websocket.ts'

export type MissedEventWatcher = { recordRelayed(): void; stop(): void }

/** What had been counted one look ago must have arrived by now; `everyMs` is how long an event may be under way. */
export async function watchMissedEvents(
  db: Database,
  log: Logger,
  { resync, setDelayed }: Pick<WebSocketRelay, 'resync' | 'setDelayed'>,
  redis: Redis,
  intervalMs = 5000,
): Promise<MissedEventWatcher> {
  let relayedCount = await getListVersion(db)
  let expectedCount = relayedCount
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
      const currentCount = await getListVersion(db)
      if (relayedCount < expectedCount) {
        log.info({ missed: expectedCount - relayedCount }, 'change events were lost; clients fetch again')
        resync()
        relayedCount = expectedCount
      }
      relayedCount = Math.min(relayedCount, currentCount)
      expectedCount = currentCount
    } catch {
      // The database is away: nothing can have changed that anybody could see.
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
