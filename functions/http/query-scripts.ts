/**
 * Sends a script query to a runner and waits for its answer while the user waits. Handlers call it for config_check,
 * the config scripts and the check.
 */
import { ScriptQueryTimeout } from '../../db/queue/script-queries.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { Services } from '../services.ts'
import type { RequestDeadline } from './request-deadline.ts'

/**
 * Returns `unreachable` without Redis. Throws script_query_timeout (504) after SCRIPT_QUERY_TIMEOUT. `deadline`
 * is paused until the answer; a query in the background has none.
 */
export async function queryScripts(
  services: Pick<Services, 'settings' | 'scriptQueries' | 'log'>,
  query: ScriptQuery,
  deadline?: Pick<RequestDeadline, 'pause' | 'resume'>,
): Promise<ScriptAnswer | 'unreachable'> {
  const timeoutMs = services.settings.SCRIPT_QUERY_TIMEOUT
  deadline?.pause()
  try {
    return await services.scriptQueries.query(query, timeoutMs)
  } catch (error) {
    if (error instanceof ScriptQueryTimeout) {
      const message = `No runner answered within ${timeoutMs / 1000} s: no runner is up, all are busy, or a script is slow.`
      throw new ApiError('script_query_timeout', message)
    }
    services.log.warn({ err: error }, 'script query not sent: Redis is unreachable')
    return 'unreachable'
  } finally {
    deadline?.resume()
  }
}
