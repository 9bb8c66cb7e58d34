/** What every room of the runner is given: opened once by main.ts. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { Project } from '../domain/script.ts'
import type { RunnerSettings } from '../domain/settings.ts'
import type { Memory } from './memory.ts'
import type { Scripts } from './scripts.ts'
import type { Supervisor } from './supervise.ts'

export type Workshop = {
  /** Tells this runner from others in leases and logs. */
  name: string
  settings: RunnerSettings
  project: Project
  db: Database
  /** Connections of their own for leases: they must be renewed however busy `db` is. */
  leases: Database
  redis: Redis
  scripts: Scripts
  /** Ends our scripts should this process be killed. */
  supervisor: Supervisor
  /** What scripts see of our environment. */
  environment: Record<string, string>
  /** What scripts are started through; empty: nothing. */
  through: readonly string[]
  memory: Memory
  log: Logger
  /** Aborts with 'interrupted' when the grace of a shutdown is over: every script of ours ends. */
  closing: AbortSignal
}
