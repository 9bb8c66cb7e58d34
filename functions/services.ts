/** What every function is given: opened once by server.ts or lambda.ts, closed by them. No state of its own. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../db/pool.ts'
import type { Bells, Questions } from '../db/queue.ts'
import type { ServerSettings } from '../domain/settings.ts'
import type { ListCache } from './list-cache.ts'
import type { OutputHints } from './output-hints.ts'

export type Services = {
  settings: ServerSettings
  db: Database
  redis: Redis
  bells: Bells
  questions: Questions
  list: ListCache
  /** One deployment as JSON text; undefined when it is not there. */
  fullInfo(name: string): Promise<string | undefined>
  outputHints: OutputHints
  log: Logger
  /** False on AWS Lambda: a stream answers what there is and ends, instead of waiting for more. */
  mayWait: boolean
  /** True once this process is to stop: /readyz says so, and all goes on as before until load balancers have noticed. */
  leaving: () => boolean
  /** Aborts when it stops: new actions are refused, streams end, others take over. */
  closing: AbortSignal
}
