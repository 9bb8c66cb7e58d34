import { deleteDeployment as forgetDeployment } from '../../db/queries/cancel-action.ts'
import { publishChange } from '../../db/redis/events.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { waitUntil } from '../http/wait-until.ts'
import { acceptedResponse } from './submit-action.ts'

export const deleteDeployment: EndpointHandler<'deleteDeployment'> = async (
  services,
  { param, idempotencyKey },
) => {
  const { db, redis, settings } = services
  const change = await forgetDeployment(db, param('name'), idempotencyKey)
  if (change !== null) await waitUntil(services, [publishChange(redis, settings.REDIS_PREFIX, change)])
  return acceptedResponse(0)
}
