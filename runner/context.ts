/** What every part of the runner works with. Opened once by open-runner.ts. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { Project } from '../domain/script.ts'
import type { RunnerSettings } from '../domain/settings.ts'
import type { LogFailure } from './log-failure.ts'
import type { GarbageCollector } from './process/pipes.ts'
import type { ProcessTable } from './process/process-table.ts'
import type { Watchdog } from './process/watchdog.ts'
import type { ConfigCache } from './scripts/config-cache.ts'
import type { ControlScripts } from './scripts/find-scripts.ts'
import type { SecretKeys } from './scripts/secret-keys.ts'

export type RunnerContext = {
  /** Identifies this runner in leases and logs. */
  runnerName: string
  settings: RunnerSettings
  project: Project
  db: Database
  /** A pool for leases only: a lease must be renewed in time, however busy `db` is. */
  leaseDb: Database
  redis: Redis
  scripts: ControlScripts
  /** Ends the scripts when this process is killed or frozen. */
  watchdog: Watchdog
  processTable: ProcessTable
  collectGarbage: GarbageCollector
  /** The first part of the markers of this runner's scripts. Empty where the processes cannot be read. */
  markerPrefix: string
  /** The environment variables that scripts see. */
  environment: Record<string, string>
  /** A program with arguments that starts every script; empty when scripts are started directly. */
  commandPrefix: readonly string[]
  configCache: ConfigCache
  /** Which values of a config are secret. */
  secretKeys: SecretKeys
  log: Logger
  logFailure: LogFailure
  /** Aborts with 'interrupted' when the grace of a shutdown is over: every running script is then ended. */
  shutdownSignal: AbortSignal
}
