/** Takes script queries from the queue and answers a limited number of them at a time. Called by main.ts. */
import type { Redis } from 'ioredis'
import { serveScriptQueries } from '../../db/queue/script-queries.ts'
import type { RunnerContext } from '../context.ts'
import { handleScriptQuery } from './script-query-handler.ts'

export type ScriptQueryWorker = {
  worker: ReturnType<typeof serveScriptQueries>
  /** True when no client waits for an answer of this runner. */
  isIdle(): boolean
}

export function startScriptQueryWorker(context: RunnerContext, connection: Redis): ScriptQueryWorker {
  const { settings, logFailure, redis } = context
  /** One signal for each running query. It aborts when the client stops waiting. */
  const activeQueries = new Set<AbortSignal>()
  const worker = serveScriptQueries(
    connection,
    redis,
    settings.REDIS_PREFIX,
    settings.SCRIPT_QUERY_CONCURRENCY,
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
  return { worker, isIdle: () => [...activeQueries].every((signal) => signal.aborted) }
}
