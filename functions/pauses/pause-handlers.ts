/** Handlers of /pauses: what is paused for all deployments. The queries of what is paused obey (db/queries/pauses). */
import { endPause, readPauses, startPause } from '../../db/queries/pauses/pauses.ts'
import { ApiError } from '../../domain/errors.ts'
import { allPausable, maxPauseSeconds, type Pausable } from '../../domain/pauses/pause.ts'
import { requireAllNames } from '../auth/require-right.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const listPauses: EndpointHandler<'listPauses'> = async ({ db }) => [...(await readPauses(db))]

export const pauseWork: EndpointHandler<'pauseWork'> = async (
  { db, pauses },
  { param, body, actor, identity },
) => {
  requireAllNames(identity, 'pause')
  const { reason, until = null, for_seconds: seconds, replace = false } = body
  const what = parseWhat(param('what'))
  const forMs = seconds === undefined ? null : seconds * 1000
  const end = until === null ? null : toDatabaseTime(until)
  const pause =
    end === undefined ? null : await startPause(db, { what, reason, until: end, forMs, replace }, actor)
  if (pause === null)
    throw new ApiError(
      'bad_request',
      `body.until: ${until?.slice(0, 40)} has passed by the clock of the database, or is more than a year away.`,
    )
  await pauses.readNow()
  return pause
}

export const resumeWork: EndpointHandler<'resumeWork'> = async (
  { db, pauses },
  { param, actor, identity },
) => {
  requireAllNames(identity, 'pause')
  await endPause(db, parseWhat(param('what')), actor)
  await pauses.readNow()
  return { tag: 'Success' }
}

/** Undefined: PostgreSQL does not know all that a timestamp may say, such as the year 0 and an offset of 23:59. */
function toDatabaseTime(text: string): string | undefined {
  const ms = Date.parse(text)
  return Math.abs(ms - Date.now()) < 2 * maxPauseSeconds * 1000 ? new Date(ms).toISOString() : undefined
}

function parseWhat(text: string): Pausable {
  const what = allPausable.find((known) => known === text)
  if (what !== undefined) return what
  throw new ApiError('bad_request', `"${text.slice(0, 40)}" cannot be paused: ${allPausable.join(', ')}.`)
}
