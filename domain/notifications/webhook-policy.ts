/** The part of the policy about webhooks: where status changes are sent. The runner sends them; docs/webhooks.md documents it. */
import { z } from 'zod'
import { matchesAny, namePattern } from '../access/roles.ts'
import { statuses } from '../statuses.ts'
import type { NotificationEvent } from './event.ts'

export const webhookFormats = ['standard', 'slack'] as const

const hasCredentials = (url: string): boolean => {
  const { username, password } = URL.parse(url) ?? { username: '', password: '' }
  return `${username}${password}` !== ''
}

export const webhook = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,49}$/, 'may hold only a-z, 0-9 and -, at most 50')
      .describe('names the webhook in WEBHOOK_SECRETS, in the API and in the audit log'),
    url: z
      .url({ protocol: /^https?$/, error: 'must be a URL that begins with https://' })
      .max(2000)
      .optional()
      .describe('where to send it; not set: NAME.url in WEBHOOK_SECRETS, for an address that is a secret'),
    format: z
      .enum(webhookFormats)
      .default('standard')
      .describe('standard: signed as Standard Webhooks; slack: a text for an incoming webhook of a chat'),
    statuses: z.array(z.enum(statuses)).min(1).optional().describe('only changes to one of these statuses'),
    names: z
      .array(z.string().regex(namePattern, 'may hold only a-z, 0-9, - and *'))
      .min(1)
      .max(100)
      .default(['*'])
      .describe('patterns of deployment names; * stands for any number of characters'),
    private_addresses: z
      .boolean()
      .default(false)
      .describe('also send it to private addresses, such as 10.0.0.1 and localhost, and over http'),
  })
  .superRefine(({ url, private_addresses }, context) => {
    if (url?.startsWith('http:') && !private_addresses)
      context.addIssue({
        code: 'custom',
        message: 'http is not encrypted: use https, or set private_addresses: true.',
        path: ['url'],
      })
    if (url !== undefined && hasCredentials(url))
      context.addIssue({
        code: 'custom',
        message: 'An address with a password is a secret: put it into WEBHOOK_SECRETS.',
        path: ['url'],
      })
  })
export type Webhook = z.output<typeof webhook>

export const webhooks = z
  .array(webhook)
  .max(50)
  .default([])
  .superRefine((list, context) => {
    for (const [at, { name }] of list.entries())
      if (list.findIndex((other) => other.name === name) < at)
        context.addIssue({ code: 'custom', message: `There are two webhooks ${name}.`, path: [at, 'name'] })
  })

/** Whether the webhook is to be sent this status change. */
export const wantsEvent = (
  { statuses: wanted, names }: Webhook,
  { deployment, new_status }: NotificationEvent,
): boolean => (wanted === undefined || wanted.includes(new_status)) && matchesAny(names, deployment)
