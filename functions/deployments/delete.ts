import { deleteDeployment as forgetDeployment } from '../../db/cancel.ts'
import { publishChange } from '../../db/events.ts'
import type { Answerer } from '../route.ts'
import { accepted } from './accept.ts'

export const deleteDeployment: Answerer<'deleteDeployment'> = async (
  { db, redis, settings },
  { param, key },
) => {
  const change = await forgetDeployment(db, param('name'), key)
  if (change !== null) void publishChange(redis, settings.REDIS_PREFIX, change)
  return accepted(0)
}
