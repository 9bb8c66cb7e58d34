/** Webhooks of the policy, sent to real HTTP servers. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

type Received = { path: string; headers: Record<string, string>; body: string }
type Answer = { status: number; headers?: Record<string, string> } | 'none'

const oldSecret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
const newSecret = `whsec_${Buffer.alloc(24, 2).toString('base64')}`

let system: System
let client: ApiClient
let server: Server
let dir: string
const received: Received[] = []
/** By path. Default: 200. */
const answers = new Map<string, Answer>()

before(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += bytes
    })
    request.on('end', () => {
      const path = request.url ?? ''
      received.push({ path, headers: request.headers as Record<string, string>, body })
      const answer = answers.get(path) ?? { status: 200 }
      if (answer !== 'none') response.writeHead(answer.status, answer.headers).end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  dir = await mkdtemp(join(tmpdir(), 'octopod-webhooks-'))
  await writeFile(
    join(dir, 'policy.yaml'),
    `version: 1
rules: [{ proxy_group: platform, role: admin }, { proxy_group: shop, role: admin, names: [shop-*] }]
default_role: developer
webhooks:
  - { name: ci, url: '${origin}/ci', private_addresses: true }
  - { name: chat, format: slack, statuses: [GenericFailure], names: [chat-*], private_addresses: true }
  - { name: closed, url: 'https://127.0.0.1:1/', names: [closed-*] }
  - { name: silent, url: '${origin}/silent', names: [silent-*], private_addresses: true }
`,
  )
  system = await startSystem({
    env: {
      OCTOPOD_POLICY: join(dir, 'policy.yaml'),
      APP_URL: 'https://octopod.example.com',
      ALLOWED_HOSTS: '*',
      TRUSTED_PROXIES: '127.0.0.1',
      ACTOR_HEADER: 'X-Person',
      GROUPS_HEADER: 'X-Groups',
      WEBHOOK_SECRETS: `ci=${newSecret}\nci=${oldSecret}\nsilent=${newSecret}\nclosed=${newSecret}\nchat.url=${origin}/services/T0/secret-path`,
    },
  })
  client = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(dir, { recursive: true })
})

const query = (text: string) => withDatabase(system.databaseUrl, (db) => db.query(text))
const dataOf = ({ body }: Received) => JSON.parse(body).data
/** What `path` has received about the deployment, once it is at least `count` requests. */
const waitForRequests = (path: string, name: string, count: number): Promise<Received[]> =>
  waitFor(`${count} requests about ${name} to ${path}`, async () => {
    const value = received.filter((one) => one.path === path && one.body.includes(name))
    return { done: value.length >= count, value, seen: value.length }
  })
/** The next attempt of all deliveries begins now. */
const hurry = () => query(`update deliveries set next_attempt_at = now() where failed_at is null`)

test('Status changes arrive signed with each secret, with who changed it and a link', async () => {
  await client.create('signed')
  await client.waitForStatus('signed', 'Running')
  const [first] = await waitForRequests('/ci', 'signed', 1)
  assert.ok(first)
  for (const secret of [newSecret, oldSecret]) new Webhook(secret).verify(first.body, first.headers)
  assert.throws(() => new Webhook(newSecret).verify(first.body.replace('Running', 'Archived'), first.headers))
  const { type, data } = JSON.parse(first.body)
  assert.equal(type, 'deployment.status_changed')
  assert.equal(data.deployment, 'signed')
  assert.deepEqual([data.old_status, data.new_status, data.failure], ['CreatePending', 'Running', null])
  assert.equal(data.action.kind, 'create')
  assert.equal(data.url, 'https://octopod.example.com/deployments/signed')
})

test('What is not received is sent again with the same id, and given up when the receiver is gone', async () => {
  answers.set('/ci', { status: 503, headers: { 'Retry-After': '1' } })
  await client.create('repeated')
  await client.waitForStatus('repeated', 'Running')
  await waitForRequests('/ci', 'repeated', 1)
  await hurry()
  const [first, second] = await waitForRequests('/ci', 'repeated', 2)
  assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id'])
  answers.set('/ci', { status: 410 })
  const failed = await waitFor('the delivery has failed', async () => {
    await hurry()
    const { body } = await client.api('GET', '/webhooks')
    const value = (body as { failed: { delivery_id: number; deployment: string; error: string }[] }).failed
    return { done: value.length === 1, value, seen: value }
  })
  assert.deepEqual([failed[0]?.deployment, failed[0]?.error], ['repeated', 'It answered with 410.'])
  answers.delete('/ci')
  const before = received.length
  const { delivery_id } = failed[0] ?? {}
  assert.equal((await client.api('POST', `/webhooks/deliveries/${delivery_id}/resend`)).status, 200)
  await waitFor('it is received', async () => ({
    done: received.length > before,
    value: null,
    seen: received.length,
  }))
  assert.equal(received.at(-1)?.headers['webhook-id'], first?.headers['webhook-id'])
  assert.equal((await client.api('POST', `/webhooks/deliveries/${delivery_id}/resend`)).status, 404)
  assert.equal((await client.api('POST', '/webhooks/deliveries/x/resend')).status, 404)
  const audit = await client.api('GET', '/audit?operation=resend_notification')
  assert.equal((audit.body as { entries: unknown[] }).entries.length, 1)
})

test('A chat gets a text, at an address that only the runner knows, of the wanted changes only', async () => {
  await client.create('chat-1', { 'behave.update': 'fail <!channel> is down' })
  await client.waitForStatus('chat-1', 'Running')
  await client.update('chat-1', { 'behave.update': 'fail <!channel> is down' })
  const [first, ...more] = await waitForRequests('/services/T0/secret-path', 'chat-1', 1)
  assert.equal(more.length, 0)
  const { text } = JSON.parse(first?.body ?? '')
  assert.match(
    text,
    /^<https:\/\/octopod\.example\.com\/deployments\/chat-1\|chat-1>: Updating → Failing \(update by .+\)\n/,
  )
  assert.equal(first?.headers['webhook-signature'], undefined)
  const { text: listed } = await client.api('GET', '/webhooks')
  for (const place of [listed, ...system.runner.lines, ...system.server.lines])
    for (const secret of ['secret-path', newSecret, oldSecret]) assert.ok(!place.includes(secret))
})

test('A private address is refused, and a receiver that does not answer delays no other', async () => {
  answers.set('/silent', 'none')
  await Promise.all(['silent-1', 'silent-2', 'silent-3', 'closed-1'].map((name) => client.create(name)))
  await waitForRequests('/silent', 'silent-', 2)
  await client.create('quick')
  await client.waitForStatus('quick', 'Running')
  await waitForRequests('/ci', 'quick', 1)
  const refused = await waitFor('closed has an error', async () => {
    const { body } = await client.api('GET', '/webhooks')
    const { webhooks } = body as { webhooks: { name: string; last_error: string | null }[] }
    const value = webhooks.find(({ name }) => name === 'closed')?.last_error ?? ''
    return { done: value !== '', value, seen: webhooks }
  })
  assert.match(refused, /not a public one\. Set private_addresses: true/)
  const data = received.filter(({ path }) => path === '/ci').map(dataOf)
  assert.ok(data.length > 0)
})

test('Only admins see webhooks and send deliveries again', async () => {
  const anonymous = createApiClient(system.url, null)
  for (const [method, path] of [
    ['GET', '/webhooks'],
    ['POST', '/webhooks/deliveries/1/resend'],
  ] as const)
    assert.equal((await anonymous.api(method, path)).status, 401)
})

test('An admin of some names sees and repeats no delivery of other deployments', async () => {
  const { rows } = await query(`insert into deliveries (event_id, receiver, deployment, event, failed_at)
    select gen_random_uuid(), 'webhook:ci', name, '{"old_status":"Running","new_status":"Archived","at":"2026-03-01T10:00:05.120Z","failure":null,"action":null}', now()
    from unnest(array['shop-1', 'bank-1']) name order by name returning id, deployment`)
  const idOf = (name: string) => rows.find((row) => row.deployment === name)?.id
  const shop = createApiClient(system.url, null)
  const headers = { 'X-Person': 'sue', 'X-Groups': 'shop' }
  const { status, body, text } = await shop.api('GET', '/webhooks', undefined, headers)
  assert.equal(status, 200, text)
  const { failed } = body as { failed: { deployment: string }[] }
  assert.deepEqual(
    failed.map(({ deployment }) => deployment),
    ['shop-1'],
  )
  const resend = (name: string) =>
    shop.api('POST', `/webhooks/deliveries/${idOf(name)}/resend`, undefined, headers)
  assert.equal((await resend('bank-1')).status, 404)
  assert.equal((await resend('shop-1')).status, 200)
})
