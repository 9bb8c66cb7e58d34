/** Handlers for actions: list those of a deployment, read one, cancel one. Their output is in output.ts. */
import { getAction as readAction, readActions } from '../../db/queries/actions.ts'
import { requestCancel } from '../../db/queries/cancel-action.ts'
import { readCreationTime } from '../../db/queries/deployments.ts'
import { readDatabaseTime } from '../../db/queries/idempotency.ts'
import { publishCancel } from '../../db/redis/events.ts'
import { decide } from '../../domain/access/roles.ts'
import { noSuchAction } from '../../domain/errors.ts'
import type { Action } from '../../domain/schemas.ts'
import type { Identity } from '../auth/identity.ts'
import { type RightTarget, requireRight } from '../auth/require-right.ts'
import { viewOf } from '../auth/view.ts'
import { acceptedResponse } from '../deployments/final-refusals.ts'
import { publishAndNotify } from '../deployments/when-busy.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { jsonElements, streamJson } from '../http/json-stream.ts'
import { parseActionId } from '../http/parse-request.ts'
import { waitUntil } from '../http/wait-until.ts'
import type { Services } from '../services.ts'
import { requireActionRight } from './require-action-right.ts'

export const listActions: EndpointHandler<'listActions'> = async (
  services,
  { param, query, identity, encoding },
) => {
  const { db } = services
  const { limit, before } = query
  const name = param('name')
  const withOutput = decide(identity.permissions, 'read_output', { name }).isAllowed
  const pages = readActions(db, name, limit, before, withOutput)
  return streamJson(
    services,
    encoding,
    actionsJson(pages, await createActionFilter(services, identity, name)),
  )
}

async function* actionsJson(
  pages: AsyncIterable<readonly Action[]>,
  show: (action: Action) => Action,
): AsyncGenerator<string, void> {
  yield '['
  yield* jsonElements(pages, show)
  yield ']'
}

/** Hides secrets from a caller who may not see them. Throws no_such_deployment. */
async function createActionFilter(
  { db, secrets }: Services,
  identity: Identity,
  name: string,
): Promise<(action: Action) => Action> {
  if (viewOf(identity).seesSecrets(name)) return (action) => action
  const createdAt = await readCreationTime(db, name)
  return (action) => secrets.hider.action(action, createdAt)
}

export const getAction: EndpointHandler<'getAction'> = async (services, { param, identity }) => {
  const actionId = parseActionId(param('action_id'))
  await requireActionRight(services, identity, 'read', actionId)
  const action = await readAction(services.db, actionId)
  const mayReadOutput = decide(identity.permissions, 'read_output', { name: action.deployment }).isAllowed
  const show = await createActionFilter(services, identity, action.deployment)
  return show(mayReadOutput ? action : await readAction(services.db, actionId, false))
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
    if (!decide(identity.permissions, 'read', { name: target.name }).isAllowed)
      throw noSuchAction(actionId, { operation: 'cancel', deployment: target.name, actionId })
    requireRight(settings, identity, 'cancel', target)
  }
  const { change, isClaimed } = await requestCancel(db, actionId, actor, requireCancel, deadline.beforeCommit)
  await publishAndNotify(services, change)
  if (isClaimed) await waitUntil(services, [publishCancel(redis, settings.REDIS_PREFIX, actionId)])
  return acceptedResponse(actionId)
}
