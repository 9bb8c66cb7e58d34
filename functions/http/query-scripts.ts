/** Asks the scripts through a runner while the user waits (law 8), for the functions that need it. */
import { ScriptQueryTimeout } from '../../db/queue/action-queue.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { Services } from '../services.ts'

/** The runner's answer; `away` when Redis is not reachable. Throws runners_away (504) after QUESTION_TIMEOUT. */
export async function queryScripts(services: Services, query: ScriptQuery): Promise<ScriptAnswer | 'away'> {
  const timeoutMs = services.settings.QUESTION_TIMEOUT
  try {
    return await services.scriptQueries.query(query, timeoutMs)
  } catch (error) {
    if (error instanceof ScriptQueryTimeout) {
      const message = `No runner answered within ${timeoutMs / 1000} s: none is up, all are busy, or a script is slow.`
      throw new ApiError('runners_away', message)
    }
    services.log.warn({ err: error }, 'Redis is away: scripts cannot be asked')
    return 'away'
  }
}
