/** Handlers for actions: list those of a deployment, read one, cancel one. Their output is in output.ts. */
import { getAction as readAction, readActions } from '../../db/queries/actions.ts'
import { requestCancel } from '../../db/queries/cancel-action.ts'
import { readDatabaseTime } from '../../db/queries/idempotency.ts'
import { publishCancel, publishChange } from '../../db/redis/events.ts'
import type { Action } from '../../domain/schemas.ts'
import { canReadOutput } from '../auth/credentials.ts'
import { acceptedResponse } from '../deployments/final-refusals.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { jsonElements, streamJson } from '../http/json-stream.ts'
import { parseActionId } from '../http/parse-request.ts'
import { waitUntil } from '../http/wait-until.ts'

export const listActions: EndpointHandler<'listActions'> = (services, { param, query, role, encoding }) => {
  const { db, settings } = services
  const { limit, before } = query
  const pages = readActions(db, param('name'), limit, before, canReadOutput(settings, role))
  return streamJson(services, encoding, actionsJson(pages))
}

async function* actionsJson(pages: AsyncIterable<readonly Action[]>): AsyncGenerator<string, void> {
  yield '['
  yield* jsonElements(pages)
  yield ']'
}

export const getAction: EndpointHandler<'getAction'> = ({ db, settings }, { param, role }) =>
  readAction(db, parseActionId(param('action_id')), canReadOutput(settings, role))

/**
 * An action that no runner has claimed is cancelled here; a claimed one by its runner, which learns of it by an event.
 */
export const cancelAction: EndpointHandler<'cancelAction'> = async (services, { param, actor, deadline }) => {
  const { db, redis, settings } = services
  const actionId = parseActionId(param('action_id'))
  deadline.beginChecks()
  deadline.setDatabaseTime(await readDatabaseTime(db))
  const { change, isClaimed } = await requestCancel(db, actionId, actor.actor, deadline.beforeCommit)
  await waitUntil(services, [
    ...(change === null ? [] : [publishChange(redis, settings.REDIS_PREFIX, change)]),
    ...(isClaimed ? [publishCancel(redis, settings.REDIS_PREFIX, actionId)] : []),
  ])
  return acceptedResponse(actionId)
}
