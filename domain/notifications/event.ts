/** What receivers of notifications learn: stored with each delivery, and the body of a webhook. */
import { z } from 'zod'
import { notifiedFailure } from '../failures/failure-schemas.ts'
import { isFailed, type Status, statuses, statusTable } from '../statuses.ts'

export const notificationEvent = z.object({
  deployment: z.string(),
  old_status: z.enum(statuses),
  new_status: z.enum(statuses),
  at: z.string(),
  /** What failed when the status changed, if anything did. */
  failure: notifiedFailure.nullable().catch(null),
  /** The last action that had begun then. Null: its record is deleted. */
  action: z.object({ id: z.number(), kind: z.string(), actor: z.string() }).nullable(),
})
export type NotificationEvent = z.output<typeof notificationEvent>

/** The receiver of the control script `notifications`. Those of webhooks are {@link webhookReceiver}. */
export const scriptReceiver = 'script'
export const webhookReceiver = (name: string): string => `webhook:${name}`
export const webhookName = (receiver: string): string => receiver.replace(/^webhook:/, '')

/** The address of a deployment on the page. */
const addressOf = (pageUrl: string, deployment: string) => `${pageUrl}/deployments/${deployment}`

/** The body of a webhook, by Standard Webhooks: `type`, `timestamp`, `data`. `pageUrl`: null where it is not known. */
export function standardBody(event: NotificationEvent, pageUrl: string | null): string {
  const { at, failure, ...data } = event
  return JSON.stringify({
    type: 'deployment.status_changed',
    timestamp: at,
    data: {
      ...data,
      failure: isFailed(event.new_status) ? failure : null,
      url: pageUrl === null ? null : addressOf(pageUrl, event.deployment),
    },
  })
}

const maxSlackCharacters = 500

/** Without mentions: Slack reads those in <>, Mattermost and Rocket.Chat also @all. */
const escapeSlack = (text: string) =>
  text
    .slice(0, maxSlackCharacters)
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u200b')

const statusLabel = (status: Status): string => statusTable[status].label

/** The body of an incoming webhook of Slack; Mattermost, Rocket.Chat and others read it too. */
export function slackBody(event: NotificationEvent, pageUrl: string | null): string {
  const { deployment, old_status, new_status, failure, action } = event
  const name = pageUrl === null ? `*${deployment}*` : `<${addressOf(pageUrl, deployment)}|${deployment}>`
  const by = action === null ? '' : ` (${escapeSlack(action.kind)} by ${escapeSlack(action.actor)})`
  const reason = isFailed(new_status) && failure !== null ? `\n${escapeSlack(failure.message)}` : ''
  return JSON.stringify({
    text: `${name}: ${statusLabel(old_status)} → ${statusLabel(new_status)}${by}${reason}`,
  })
}
