/** Whether some runner has the app_logs script, for the page, which shows the logs only then. Called by whoami. */
import type { Redis } from 'ioredis'
import { hasAppLogs } from '../../db/redis/app-logs/requests.ts'
import { singleFlight } from '../../lib/single-flight.ts'
import { withTimeout } from '../../lib/with-timeout.ts'

export type AppLogAvailability = { read(): Promise<boolean> }

const maxAgeMs = 5000
const timeoutMs = 300

/** While Redis is unreachable the last answer counts. Never rejects. */
export function createAppLogAvailability(redis: Redis, prefix: string): AppLogAvailability {
  let isAvailable = false
  let readAtMs = Number.NEGATIVE_INFINITY
  const readAgain = singleFlight(async () => {
    const known = isAvailable
    isAvailable = await withTimeout(hasAppLogs(redis, prefix), timeoutMs, () => known).catch(() => known)
    readAtMs = performance.now()
  })
  return {
    async read() {
      if (performance.now() - readAtMs >= maxAgeMs) await readAgain()
      return isAvailable
    },
  }
}
