import { deleteDeployment as forgetDeployment } from '../../db/cancel.ts'
import { publishChange } from '../../db/events.ts'
import { hinted } from '../hints.ts'
import type { Answerer } from '../route.ts'
import { accepted } from './accept.ts'

export const deleteDeployment: Answerer<'deleteDeployment'> = async (services, { param, key }) => {
  const { db, redis, settings } = services
  const change = await forgetDeployment(db, param('name'), key)
  if (change !== null) await hinted(services, [publishChange(redis, settings.REDIS_PREFIX, change)])
  return accepted(0)
}
