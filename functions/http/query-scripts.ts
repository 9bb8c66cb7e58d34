/**
 * Sends a script query to a runner and waits for its answer while the user waits. Handlers call it for config_check,
 * the config scripts and the check.
 */
import { hash } from 'node:crypto'
import { ScriptQueryAbandoned, ScriptQueryTimeout } from '../../db/queue/script-queries.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { Caller } from '../access/limits.ts'
import type { Services } from '../services.ts'
import { ClientDisconnected, type RequestDeadline } from './request-deadline.ts'

/** What a script query may take beyond its own timeout: one second for Redis to subscribe, one to take the query. */
const marginMs = 3000

/** Who waits for the answer. `signal` aborts when the client has gone; without one the query is always finished. */
export type Asker = {
  caller: Caller
  deadline: Pick<RequestDeadline, 'pause' | 'resume'>
  signal?: AbortSignal | undefined
}

/**
 * Returns `unreachable` without Redis. Throws script_query_timeout (504) after CONFIG_CHECK_TIMEOUT for config_check,
 * after SCRIPT_QUERY_TIMEOUT for others, rate_limited (429) for a caller with too many queries, and ClientDisconnected.
 * The deadline of the asker is paused until the answer; a query in the background has no asker.
 */
export async function queryScripts(
  services: Pick<Services, 'settings' | 'access' | 'scriptQueries' | 'sharedQueries' | 'log'>,
  query: ScriptQuery,
  asker?: Asker,
): Promise<ScriptAnswer | 'unreachable'> {
  const { settings, access, scriptQueries, sharedQueries } = services
  const isCheck = query.type === 'config_check'
  const setting = isCheck ? 'CONFIG_CHECK_TIMEOUT' : 'SCRIPT_QUERY_TIMEOUT'
  const timeoutMs = settings[setting]
  const limits = { timeoutMs, runnerTimeoutMs: settings.SCRIPT_QUERY_TIMEOUT }
  const send = (signal?: AbortSignal) => {
    const run = () => scriptQueries.query(query, limits, signal)
    return asker === undefined ? run() : access.limits.runScriptQuery(asker.caller, isCheck, run)
  }
  asker?.deadline.pause(timeoutMs + marginMs)
  try {
    // Forms of different users ask the same; each check is for one request.
    return await (query.type === 'config'
      ? sharedQueries.run(hash('sha256', JSON.stringify(query), 'base64'), asker?.signal, send)
      : send(asker?.signal))
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (error instanceof ScriptQueryAbandoned || asker?.signal?.aborted) throw new ClientDisconnected()
    if (error instanceof ScriptQueryTimeout) {
      const passed = error.limit === 'runnerTimeoutMs' ? 'SCRIPT_QUERY_TIMEOUT' : setting
      throw new ApiError('script_query_timeout', timeoutMessage(query, passed, settings[passed]))
    }
    services.log.warn({ err: error }, 'script query not sent: Redis is unreachable')
    return 'unreachable'
  } finally {
    asker?.deadline.resume()
  }
}

function timeoutMessage({ type }: ScriptQuery, setting: string, timeoutMs: number): string {
  const within = `No runner answered within ${timeoutMs / 1000} s (${setting})`
  if (type !== 'config_check') return `${within}: no runner is up, all are busy, or a script is slow.`
  return setting === 'CONFIG_CHECK_TIMEOUT'
    ? `${within}: the config_check script is slow, or all runners are busy.`
    : `${within}: no runner is up, or those of an earlier version are busy.`
}
