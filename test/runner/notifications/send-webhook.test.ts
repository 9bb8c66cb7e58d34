/** What a webhook sends to an address that is a secret. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { webhook } from '../../../domain/notifications/webhook-policy.ts'
import { readSettings } from '../../../domain/settings/read-settings.ts'
import { sendWebhook } from '../../../runner/notifications/send-webhook.ts'

const event = {
  deployment: 'one',
  old_status: 'Running',
  new_status: 'Archived',
  at: '2026-03-01T10:00:05.120Z',
  failure: null,
  action: null,
} as const
const delivery = { id: 1, eventId: 'an-id', receiver: 'webhook:chat', attempts: 1, event }

const send = (url: string, private_addresses: boolean) => {
  const settings = readSettings('runner', {
    DATABASE_URL: 'postgres://db',
    REDIS_URL: 'redis://redis',
    WEBHOOK_SECRETS: `chat.url=${url}`,
  })
  const one = webhook.parse({ name: 'chat', format: 'slack', private_addresses })
  return sendWebhook({ settings, shutdownSignal: new AbortController().signal }, one, delivery)
}

test('An address that is a secret is not called over http, unless the policy allows it', async () => {
  const failure = await send('http://example.com/a-secret', false)
  assert.ok(failure !== null && failure !== 'interrupted')
  assert.match(failure.error, /begins with http\. Use https/)
  assert.ok(!failure.error.includes('a-secret'))
})

test('The name and the password of an address are sent as credentials', async (t) => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end()
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  assert.equal(await send(`http://ann:p%40ss@127.0.0.1:${port}/hook`, true), null)
  assert.deepEqual(seen, [`Basic ${Buffer.from('ann:p@ss').toString('base64')}`])
})

test('A policy names no address with a password', () => {
  for (const url of [
    'https://ann:pass@example.com/',
    'https://:pass@example.com/',
    'https://ann@example.com/',
  ])
    assert.equal(webhook.safeParse({ name: 'ci', url }).success, false, url)
})
