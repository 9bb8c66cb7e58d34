/** What every handler gets as its first argument. server.ts and lambda.ts create it once and close it. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { ActionQueue } from '../db/queue/action-queue.ts'
import type { ScriptQueryClient } from '../db/queue/script-queries.ts'
import type { ScriptAnswer } from '../domain/queue-messages.ts'
import type { ServerSettings } from '../domain/settings.ts'
import type { SharedTasks } from '../lib/shared-tasks.ts'
import type { Access } from './access/access.ts'
import type { OutputNotifier } from './actions/output-notifier.ts'
import type { AppLogAvailability } from './app-logs/availability.ts'
import type { AuditRecorder } from './audit/audit-recorder.ts'
import type { Auth } from './auth/auth.ts'
import type { ListCache } from './deployments/list-cache.ts'
import type { Doctor } from './doctor/doctor.ts'
import type { Compression } from './http/compression.ts'
import type { KnownPauses } from './pauses/known-pauses.ts'
import type { Secrets } from './secrets/secrets.ts'

export type Services = {
  settings: ServerSettings
  /** Who may send which requests. */
  access: Access
  /** Who sends them. */
  auth: Auth
  db: Database
  redis: Redis
  actionQueue: ActionQueue
  scriptQueries: ScriptQueryClient
  /** Equal queries of config scripts run once. */
  sharedQueries: SharedTasks<ScriptAnswer>
  listCache: ListCache
  /** Hides the values of secret keys, and puts them back. */
  secrets: Secrets
  /** Returns a deployment as JSON text; undefined when it does not exist. */
  loadFullInfo(name: string): Promise<string | undefined>
  /** The same without words of scripts, for a caller who may not read output. */
  loadRestrictedFullInfo(name: string): Promise<string | undefined>
  outputNotifier: OutputNotifier
  /** Whether a runner has the app_logs script. */
  appLogAvailability: AppLogAvailability
  /** What is paused for all deployments. */
  pauses: KnownPauses
  /** Writes what belongs to no change into the audit log. */
  audit: AuditRecorder
  doctor: Doctor
  compression: Compression
  log: Logger
  /** False on AWS Lambda: a stream sends the output so far and ends, and a handler waits for its notifications. */
  supportsStreaming: boolean
  /** True after SIGTERM: /readyz is not ready, and requests are served until load balancers have noticed. */
  isShuttingDown: () => boolean
  /** Aborts after SHUTDOWN_DELAY: new actions are rejected and streams end; other servers take over. */
  shutdownSignal: AbortSignal
}
