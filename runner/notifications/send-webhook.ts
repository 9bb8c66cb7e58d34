/** Sends a status change to a webhook of the policy, signed as Standard Webhooks. https://www.standardwebhooks.com */
import { Webhook as Signer } from 'standardwebhooks'
import { request } from 'undici'
import type { Delivery } from '../../db/queries/notifications/deliveries.ts'
import { slackBody, standardBody } from '../../domain/notifications/event.ts'
import type { Webhook } from '../../domain/notifications/webhook-policy.ts'
import type { RunnerContext } from '../context.ts'
import { dispatcherFor, NotPublicAddress } from './public-address.ts'

/** `retryAfterMs`: as the receiver asks. `isFinal`: another attempt is of no use. */
export type DeliveryFailure = { error: string; retryAfterMs?: number | undefined; isFinal?: boolean }

export const webhookTimeoutMs = 10_000
/** A receiver may ask for so much time before the next attempt. */
const maxRetryAfterMs = 3600_000

type Context = Pick<RunnerContext, 'settings' | 'shutdownSignal'>

/** Errors name neither the address nor a secret: they are shown and logged. */
export async function sendWebhook(
  { settings, shutdownSignal }: Context,
  webhook: Webhook,
  { eventId, event }: Delivery,
): Promise<DeliveryFailure | 'interrupted' | null> {
  const { name, format } = webhook
  const { [name]: secrets = [], [`${name}.url`]: urls = [] } = settings.WEBHOOK_SECRETS
  const url = webhook.url ?? urls[0]
  if (url === undefined)
    return { error: `The policy has no url for it, and WEBHOOK_SECRETS no line ${name}.url=….` }
  if (url.startsWith('http:') && !webhook.private_addresses)
    return { error: 'Its address begins with http. Use https, or set private_addresses: true in the policy.' }
  if (format === 'standard' && secrets.length === 0)
    return { error: `WEBHOOK_SECRETS of the runner has no line ${name}=whsec_….` }
  const pageUrl = settings.APP_URL[0] ?? null
  const body = format === 'slack' ? slackBody(event, pageUrl) : standardBody(event, pageUrl)
  try {
    const {
      statusCode,
      headers,
      body: answer,
    } = await request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'octopod',
        ...basicAuthorization(url),
        ...(secrets.length === 0 ? {} : signatureHeaders(secrets, eventId, body)),
      },
      body,
      dispatcher: dispatcherFor(webhook),
      signal: AbortSignal.any([AbortSignal.timeout(webhookTimeoutMs), shutdownSignal]),
    })
    await answer.dump({ limit: 64 * 1024 }).catch(() => {})
    if (statusCode >= 200 && statusCode < 300) return null
    const error = `It answered with ${statusCode}.`
    // Standard Webhooks: gone means that the receiver does not want it any more.
    if (statusCode === 410) return { error, isFinal: true }
    return { error, retryAfterMs: readRetryAfter(headers['retry-after']) }
  } catch (error) {
    if (shutdownSignal.aborted) return 'interrupted'
    return { error: describeError(error) }
  }
}

/** The name and the password of an address, which undici leaves out. */
function basicAuthorization(url: string): Record<string, string> {
  const { username, password } = new URL(url)
  if (username === '' && password === '') return {}
  const pair = [username, password].map(decodePart).join(':')
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** With several secrets, as while one is replaced, one signature for each. The time is that of this attempt. */
function signatureHeaders(secrets: readonly string[], id: string, body: string): Record<string, string> {
  const now = new Date()
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, now, body)).join(' '),
  }
}

function readRetryAfter(value: string | string[] | undefined): number | undefined {
  const seconds = Number(value)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined
}

function describeError(error: unknown): string {
  if (error instanceof NotPublicAddress)
    return 'Its address is not a public one. Set private_addresses: true in the policy to allow that.'
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `It did not answer within ${webhookTimeoutMs / 1000} seconds.`
  const { code, message } = error as NodeJS.ErrnoException
  return `It could not be reached: ${code ?? message}.`
}
