/**
 * Sends a script query to a runner and waits for its answer while the user waits. Handlers call it for config_check,
 * the config scripts and the check.
 */
import { ScriptQueryTimeout } from '../../db/queue/script-queries.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { Services } from '../services.ts'
import type { RequestDeadline } from './request-deadline.ts'

/** What a script query may take beyond its own timeout: one second for Redis to subscribe, one to take the query. */
const marginMs = 3000

/**
 * Returns `unreachable` without Redis. Throws script_query_timeout (504) after CONFIG_CHECK_TIMEOUT for config_check,
 * after SCRIPT_QUERY_TIMEOUT for others. `deadline` is paused until the answer; a query in the background has none.
 */
export async function queryScripts(
  services: Pick<Services, 'settings' | 'scriptQueries' | 'log'>,
  query: ScriptQuery,
  deadline?: Pick<RequestDeadline, 'pause' | 'resume'>,
): Promise<ScriptAnswer | 'unreachable'> {
  const { settings } = services
  const setting = query.type === 'config_check' ? 'CONFIG_CHECK_TIMEOUT' : 'SCRIPT_QUERY_TIMEOUT'
  const timeoutMs = settings[setting]
  deadline?.pause(timeoutMs + marginMs)
  try {
    return await services.scriptQueries.query(query, {
      timeoutMs,
      runnerTimeoutMs: settings.SCRIPT_QUERY_TIMEOUT,
    })
  } catch (error) {
    if (error instanceof ScriptQueryTimeout) {
      const passed = error.limit === 'runnerTimeoutMs' ? 'SCRIPT_QUERY_TIMEOUT' : setting
      throw new ApiError('script_query_timeout', timeoutMessage(query, passed, settings[passed]))
    }
    services.log.warn({ err: error }, 'script query not sent: Redis is unreachable')
    return 'unreachable'
  } finally {
    deadline?.resume()
  }
}

function timeoutMessage({ type }: ScriptQuery, setting: string, timeoutMs: number): string {
  const within = `No runner answered within ${timeoutMs / 1000} s (${setting})`
  if (type !== 'config_check') return `${within}: no runner is up, all are busy, or a script is slow.`
  return setting === 'CONFIG_CHECK_TIMEOUT'
    ? `${within}: the config_check script is slow, or all runners are busy.`
    : `${within}: no runner is up, or those of an earlier version are busy.`
}
