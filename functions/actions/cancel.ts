import { requestCancel } from '../../db/queries/cancel-action.ts'
import { publishCancel, publishChange } from '../../db/redis/events.ts'
import { acceptedResponse } from '../deployments/submit-action.ts'
import { type EndpointHandler, parseActionId } from '../http/endpoint-handler.ts'
import { waitUntil } from '../http/wait-until.ts'

export const cancelAction: EndpointHandler<'cancelAction'> = async (services, { param, actor }) => {
  const { db, redis, settings } = services
  const actionId = parseActionId(param('action_id'))
  const { change, held } = await requestCancel(db, actionId, actor.actor)
  await waitUntil(services, [
    ...(change === null ? [] : [publishChange(redis, settings.REDIS_PREFIX, change)]),
    ...(held ? [publishCancel(redis, settings.REDIS_PREFIX, actionId)] : []),
  ])
  return acceptedResponse(actionId)
}
