/** The part of the endpoint table about webhooks. Part of api-schema.ts. */
import { z } from 'zod'
import { type Endpoint, endpoints } from '../endpoints.ts'
import { success } from '../schemas.ts'
import { webhookFormats } from './webhook-policy.ts'

export const webhookState = z.object({
  name: z.string().describe('as in the policy'),
  format: z.enum(webhookFormats),
  host: z.string().nullable().describe('where it is sent; null: the address is in WEBHOOK_SECRETS'),
  waiting: z.int().describe('deliveries that are not received yet, also those that are tried again'),
  failed: z.int().describe('deliveries of the last 30 days whose attempts have all failed'),
  last_error: z.string().nullable().describe('of the newest delivery that is waiting or has failed'),
})

export const failedDelivery = z.object({
  delivery_id: z.int(),
  webhook: z.string(),
  deployment: z.string(),
  old_status: z.string(),
  new_status: z.string(),
  at: z.iso.datetime().describe('when the status changed'),
  attempts: z.int(),
  failed_at: z.iso.datetime(),
  error: z.string().nullable(),
})

export const webhookEndpoints = {
  listWebhooks: {
    ...endpoints.listWebhooks,
    right: 'manage_webhooks',
    since: '2.0',
    summary: 'The webhooks of the policy, and the newest 100 deliveries whose attempts have all failed',
    response: z.object({ webhooks: z.array(webhookState), failed: z.array(failedDelivery) }),
    errors: [],
  },
  resendDelivery: {
    ...endpoints.resendDelivery,
    right: 'manage_webhooks',
    since: '2.0',
    summary: 'Send a failed delivery of a webhook again',
    response: success,
    errors: ['no_such_delivery'],
  },
} as const satisfies Record<string, Endpoint>
