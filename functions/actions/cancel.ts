import { requestCancel } from '../../db/cancel.ts'
import { publishCancel, publishChange } from '../../db/events.ts'
import { accepted } from '../deployments/accept.ts'
import { hinted } from '../hints.ts'
import { type Answerer, idParam } from '../route.ts'

export const cancelAction: Answerer<'cancelAction'> = async (services, { param, asker }) => {
  const { db, redis, settings } = services
  const actionId = idParam(param('action_id'))
  const { change, held } = await requestCancel(db, actionId, asker.actor)
  await hinted(services, [
    ...(change === null ? [] : [publishChange(redis, settings.REDIS_PREFIX, change)]),
    ...(held ? [publishCancel(redis, settings.REDIS_PREFIX, actionId)] : []),
  ])
  return accepted(actionId)
}
