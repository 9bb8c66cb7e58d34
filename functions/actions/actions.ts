/** Handlers for actions: list those of a deployment, read one, cancel one. Their output is in output.ts. */
import { getAction as readAction, readActions } from '../../db/queries/actions.ts'
import { requestCancel } from '../../db/queries/cancel-action.ts'
import { readDatabaseTime } from '../../db/queries/idempotency.ts'
import { publishCancel, publishChange } from '../../db/redis/events.ts'
import { decide } from '../../domain/access/roles.ts'
import { noSuchAction } from '../../domain/errors.ts'
import type { Action } from '../../domain/schemas.ts'
import { describeActor } from '../auth/actor.ts'
import { type RightTarget, requireRight } from '../auth/require-right.ts'
import { acceptedResponse } from '../deployments/final-refusals.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { jsonElements, streamJson } from '../http/json-stream.ts'
import { parseActionId } from '../http/parse-request.ts'
import { waitUntil } from '../http/wait-until.ts'
import { requireActionRight } from './require-action-right.ts'

export const listActions: EndpointHandler<'listActions'> = (
  services,
  { param, query, identity, encoding },
) => {
  const { db } = services
  const { limit, before } = query
  const name = param('name')
  const withOutput = decide(identity.permissions, 'read_output', { name }).isAllowed
  const pages = readActions(db, name, limit, before, withOutput)
  return streamJson(services, encoding, actionsJson(pages))
}

async function* actionsJson(pages: AsyncIterable<readonly Action[]>): AsyncGenerator<string, void> {
  yield '['
  yield* jsonElements(pages)
  yield ']'
}

export const getAction: EndpointHandler<'getAction'> = async (services, { param, identity }) => {
  const actionId = parseActionId(param('action_id'))
  await requireActionRight(services, identity, 'read', actionId)
  const action = await readAction(services.db, actionId)
  const mayReadOutput = decide(identity.permissions, 'read_output', { name: action.deployment }).isAllowed
  return mayReadOutput ? action : readAction(services.db, actionId, false)
}

/**
 * An action that no runner has claimed is cancelled here; a claimed one by its runner, which learns of it by an event.
 */
export const cancelAction: EndpointHandler<'cancelAction'> = async (
  services,
  { param, actor, identity, deadline },
) => {
  const { db, redis, settings } = services
  const actionId = parseActionId(param('action_id'))
  deadline.beginChecks()
  deadline.setDatabaseTime(await readDatabaseTime(db))
  const requireCancel = (target: RightTarget) => {
    if (!decide(identity.permissions, 'read', { name: target.name }).isAllowed) throw noSuchAction(actionId)
    requireRight(settings, identity, 'cancel', target)
  }
  const { change, isClaimed } = await requestCancel(
    db,
    actionId,
    describeActor(actor),
    requireCancel,
    deadline.beforeCommit,
  )
  await waitUntil(services, [
    ...(change === null ? [] : [publishChange(redis, settings.REDIS_PREFIX, change)]),
    ...(isClaimed ? [publishCancel(redis, settings.REDIS_PREFIX, actionId)] : []),
  ])
  return acceptedResponse(actionId)
}
