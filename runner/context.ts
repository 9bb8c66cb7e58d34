/** What every room of the runner is given: opened once by main.ts. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { Project } from '../domain/script.ts'
import type { RunnerSettings } from '../domain/settings.ts'
import type { Watchdog } from './process/watchdog.ts'
import type { ConfigCache } from './scripts/config-cache.ts'
import type { ControlScripts } from './scripts/find-scripts.ts'

export type RunnerContext = {
  /** Tells this runner from others in leases and logs. */
  runnerName: string
  settings: RunnerSettings
  project: Project
  db: Database
  /** Connections of their own for leases: they must be renewed however busy `db` is. */
  leaseDb: Database
  redis: Redis
  scripts: ControlScripts
  /** Ends our scripts should this process be killed. */
  watchdog: Watchdog
  /** What scripts see of our environment. */
  environment: Record<string, string>
  /** What scripts are started through; empty: nothing. */
  commandPrefix: readonly string[]
  configCache: ConfigCache
  log: Logger
  /** Aborts with 'interrupted' when the grace of a shutdown is over: every script of ours ends. */
  shutdownSignal: AbortSignal
}
