/**
 * Who receives notifications: the control script, and the webhooks of the accepted policy, which the servers store in the
 * database. Used by send-notifications.ts.
 */
import { type Installation, readInstallation } from '../../db/queries/access/installation.ts'
import type { Delivery } from '../../db/queries/notifications/deliveries.ts'
import { parsePolicy } from '../../domain/access/policy.ts'
import { type NotificationEvent, scriptReceiver, webhookReceiver } from '../../domain/notifications/event.ts'
import { type Webhook, wantsEvent } from '../../domain/notifications/webhook-policy.ts'
import type { RunnerContext } from '../context.ts'
import { sendByScript } from './send-by-script.ts'
import { type DeliveryFailure, sendWebhook } from './send-webhook.ts'

export type Receiver = {
  /** As in the database. */
  name: string
  /** How many deliveries this runner sends at a time. */
  concurrency: number
  /** The deliveries of a deployment are sent one after another. */
  inOrder: boolean
  wants(event: NotificationEvent): boolean
  /** Resolves to null when it was received, and to `interrupted` when it is to be sent again at once. */
  send(delivery: Delivery): Promise<DeliveryFailure | 'interrupted' | null>
}

/** A receiver that does not answer keeps no more of a runner busy. */
const webhookConcurrency = 2

export function createReceivers(context: RunnerContext): { read(): Promise<Receiver[]> } {
  const { db, log, scripts, settings } = context
  let policyText: Installation['policy'] = null
  let webhooks: Receiver[] = []
  const script: Receiver[] =
    scripts.path('notifications') === null
      ? []
      : [
          {
            name: scriptReceiver,
            concurrency: settings.NOTIFICATION_CONCURRENCY,
            inOrder: true,
            wants: () => true,
            send: (delivery) => sendByScript(context, delivery),
          },
        ]
  return {
    async read() {
      const { policy } = await readInstallation(db)
      if (policy !== policyText) {
        policyText = policy
        const parsed = policy === null ? null : parsePolicy(policy)
        if (parsed !== null && 'problems' in parsed) {
          // The servers have accepted it, so they are of another version.
          log.error(
            { problems: parsed.problems },
            'this runner cannot read the policy of the servers; it keeps the webhooks that it knows, or has none',
          )
          return [...script, ...webhooks]
        }
        webhooks = (parsed?.policy.webhooks ?? []).map((webhook) => toReceiver(context, webhook))
        if (webhooks.length > 0)
          log.info({ webhooks: webhooks.map(({ name }) => name) }, 'webhooks of the policy')
      }
      return [...script, ...webhooks]
    },
  }
}

const toReceiver = (context: RunnerContext, webhook: Webhook): Receiver => ({
  name: webhookReceiver(webhook.name),
  concurrency: webhookConcurrency,
  inOrder: false,
  wants: (event) => wantsEvent(webhook, event),
  send: (delivery) => sendWebhook(context, webhook, delivery),
})
