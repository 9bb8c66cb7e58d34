/** Takes script queries from their two queues and answers a limited number of each at a time. Called by main.ts. */
import type { Redis } from 'ioredis'
import { type ScriptQueryServer, serveScriptQueries } from '../../db/queue/script-queries.ts'
import type { RunnerContext } from '../context.ts'
import { handleScriptQuery } from './script-query-handler.ts'

export type ScriptQueryWorkers = {
  workers: ScriptQueryServer['workers']['configChecks'][]
  /** Ends config_check or the check of a query whose client has gone. */
  abandon: ScriptQueryServer['abandon']
  /** True when no client waits for an answer of this runner. */
  isIdle(): boolean
}

export function startScriptQueryWorkers(context: RunnerContext, connection: Redis): ScriptQueryWorkers {
  const { settings, logFailure, redis } = context
  /** One signal for each running query. It aborts when the client stops waiting. */
  const activeQueries = new Set<AbortSignal>()
  const { workers, abandon } = serveScriptQueries(
    connection,
    redis,
    settings.REDIS_PREFIX,
    { scriptQueries: settings.SCRIPT_QUERY_CONCURRENCY, configChecks: settings.CONFIG_CHECK_CONCURRENCY },
    (query, signal) => {
      activeQueries.add(signal)
      return handleScriptQuery(context, query, signal)
        .catch((error) => {
          logFailure(error, 'script query failed')
          return { status: 'failed' as const, message: 'Internal runner error; see the runner log.' }
        })
        .finally(() => activeQueries.delete(signal))
    },
  )
  return {
    workers: Object.values(workers),
    abandon,
    isIdle: () => [...activeQueries].every((signal) => signal.aborted),
  }
}
