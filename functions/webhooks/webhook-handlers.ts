/** Handlers of /webhooks: admins see what was not received, and send it again. The runners send (runner/notifications). */
import {
  countDeliveries,
  listFailedDeliveries,
  resendDelivery as resend,
} from '../../db/queries/notifications/deliveries.ts'
import { decide, type Grant, type Permissions, seesAllNames } from '../../domain/access/roles.ts'
import { ApiError } from '../../domain/errors.ts'
import { webhookName, webhookReceiver } from '../../domain/notifications/event.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

const maxListed = 100

export const listWebhooks: EndpointHandler<'listWebhooks'> = async (
  { db, auth: { policy } },
  { identity },
) => {
  const [counts, failed] = await Promise.all([
    countDeliveries(db),
    listFailedDeliveries(db, maxListed, grantsOf(identity)),
  ])
  return {
    webhooks: (policy.current()?.webhooks ?? []).map(({ name, format, url }) => {
      const count = counts.get(webhookReceiver(name))
      return {
        name,
        format,
        host: url === undefined ? null : new URL(url).host,
        waiting: count?.waiting ?? 0,
        failed: count?.failed ?? 0,
        last_error: count?.last_error ?? null,
      }
    }),
    failed: failed.map(({ id, receiver, deployment, event, attempts, last_error, failed_at }) => ({
      delivery_id: id,
      webhook: webhookName(receiver),
      deployment,
      old_status: event.old_status,
      new_status: event.new_status,
      at: event.at,
      attempts,
      failed_at,
      error: last_error,
    })),
  }
}

export const resendDelivery: EndpointHandler<'resendDelivery'> = async (
  { db },
  { param, actor, identity },
) => {
  const id = Number(param('delivery_id'))
  if (!Number.isSafeInteger(id) || !(await resend(db, id, actor, grantsOf(identity))))
    throw new ApiError(
      'no_such_delivery',
      `There is no failed delivery ${param('delivery_id').slice(0, 30)}.`,
    )
  return { tag: 'Success' }
}

/** An admin of some names learns nothing about others. Null: of all names. */
function grantsOf({ permissions }: { permissions: Permissions }): readonly Grant[] | null {
  const ofAdmin = permissions.grants.filter(
    (grant) => decide({ ...permissions, grants: [grant] }, 'manage_webhooks').isAllowed,
  )
  return seesAllNames(ofAdmin) ? null : ofAdmin
}
