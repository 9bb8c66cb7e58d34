import { requestCancel } from '../../db/cancel.ts'
import { publishCancel, publishChange } from '../../db/events.ts'
import { accepted } from '../deployments/accept.ts'
import { type Answerer, idParam } from '../route.ts'

export const cancelAction: Answerer<'cancelAction'> = async ({ db, redis, settings }, { param, asker }) => {
  const actionId = idParam(param('action_id'))
  const { change, held } = await requestCancel(db, actionId, asker.actor)
  if (change !== null) void publishChange(redis, settings.REDIS_PREFIX, change)
  if (held) void publishCancel(redis, settings.REDIS_PREFIX, actionId)
  return accepted(actionId)
}
