/** What every function is given: opened once by server.ts or lambda.ts, closed by them. No state of its own. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { ActionQueue } from '../db/queue/action-queue.ts'
import type { ScriptQueryClient } from '../db/queue/script-queries.ts'
import type { ServerSettings } from '../domain/settings.ts'
import type { OutputNotifier } from './actions/output-notifier.ts'
import type { ListCache } from './deployments/list-cache.ts'

export type Services = {
  settings: ServerSettings
  db: Database
  redis: Redis
  actionQueue: ActionQueue
  scriptQueries: ScriptQueryClient
  listCache: ListCache
  /** One deployment as JSON text; undefined when it is not there. */
  loadFullInfo(name: string): Promise<string | undefined>
  outputNotifier: OutputNotifier
  log: Logger
  /** False on AWS Lambda: a stream answers what there is and ends, instead of waiting for more. */
  supportsStreaming: boolean
  /** True once this process is to stop: /readyz says so, and all goes on as before until load balancers have noticed. */
  isShuttingDown: () => boolean
  /** Aborts when it stops: new actions are refused, streams end, others take over. */
  shutdownSignal: AbortSignal
}
