/** What strangers may not do: requests of other hosts and origins, too many of them, and guessed credentials. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
before(async () => {
  system = await startSystem({ runner: false })
})
after(() => system?.stop())

type Answer = { status: number | undefined; headers: IncomingMessage['headers']; text: string }

/** Sends a request with any header, also Host. */
async function send(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Answer> {
  const { port } = new URL(url)
  const sent = request({ host: '127.0.0.1', port, method, path, headers })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, text }
}

async function openWebSocket(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/event`, { headers })
  socket.on('error', () => {})
  const status = await Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number),
  ])
  socket.terminate()
  return status
}

const createBody = (name: string) => JSON.stringify({ name, app_overrides: [], deployment_overrides: [] })
const json = { 'Content-Type': 'application/json' }

test('A page that gives its own name the address of the server is not answered (DNS rebinding)', async () => {
  const evil = { Host: 'evil.example:8080', Origin: 'http://evil.example:8080' }
  const create = await send(
    system.url,
    'POST',
    '/api/v1/deployments',
    { ...evil, ...json },
    createBody('evil'),
  )
  assert.equal(create.status, 421)
  assert.match(create.text, /"code":"wrong_host"/)
  assert.match(create.text, /ALLOWED_HOSTS/)
  const guessed = { ...evil, ...json, Authorization: 'Basic guess' }
  assert.equal(
    (await send(system.url, 'POST', '/api/v1/deployments', guessed, createBody('guessed'))).status,
    421,
  )
  for (const path of ['/', '/config.json', '/api/v1/deployments', '/api/v1/openapi.json', '/event', '/x.js'])
    assert.equal((await send(system.url, 'GET', path, { Host: 'evil.example:8080' })).status, 421, path)
  assert.equal(await openWebSocket(system.url, evil), 421)
  assert.deepEqual((await createApiClient(system.url).api('GET', '/deployments')).body, [])

  const own = { Host: 'localhost:8080', Origin: 'http://localhost:8080' }
  assert.equal((await send(system.url, 'GET', '/api/v1/deployments', own)).status, 200)
  assert.equal(await openWebSocket(system.url, own), 101)
})

test('Probes, and clients with a valid credential, are answered at every host', async () => {
  for (const path of ['/healthz', '/readyz'])
    assert.equal((await send(system.url, 'GET', path, { Host: 'pod-7.example' })).status, 200, path)
  const headers = { Host: 'old-name.example', Authorization: system.adminHeader }
  assert.equal((await send(system.url, 'GET', '/api/v1/deployments', headers)).status, 200)
  assert.equal(await openWebSocket(system.url, headers), 101)
})

test('ALLOWED_HOSTS and APP_URL name the hosts of an installation', async () => {
  const { url } = await system.startServer({
    APP_URL: 'https://octopod.example.com',
    ALLOWED_HOSTS: 'octopod-api.example.com',
  })
  const statusAt = async (host: string) => (await send(url, 'GET', '/api/v1/ping', { Host: host })).status
  assert.equal(await statusAt('octopod.example.com'), 200)
  assert.equal(await statusAt('octopod.example.com:443'), 200)
  assert.equal(await statusAt('octopod-api.example.com'), 200)
  assert.equal(await statusAt('localhost'), 421)
})

test('A proxy that does not pass Host and Upgrade gets errors that name Host and APP_URL', async () => {
  const { url } = await system.startServer({ ALLOWED_HOSTS: 'octopod' })
  const origin = 'https://octopod.example.com'
  const create = await send(
    url,
    'POST',
    '/api/v1/deployments',
    { ...json, Host: 'octopod:8080', Origin: origin },
    createBody('proxied'),
  )
  assert.equal(create.status, 403)
  assert.match(create.text, /Host is octopod:8080, and APP_URL is not set/)
  const event = await send(url, 'GET', '/event', { Host: 'octopod:8080' })
  assert.equal(event.status, 426)
  assert.equal(event.headers.upgrade, 'websocket')
  assert.match(event.text, /Upgrade, Connection and Host. Here Host is octopod:8080, and APP_URL is not set/)
  const asked = await send(url, 'GET', `/event?origin=${encodeURIComponent(origin)}`, {
    Host: 'octopod:8080',
  })
  assert.equal(asked.status, 403)
  assert.equal(await openWebSocket(url, { Host: 'octopod:8080', Origin: origin }), 403)
})

test('Headers of a proxy count only from TRUSTED_PROXIES', async () => {
  const env = { APP_URL: 'https://octopod.example.com' }
  const forwarded = { Host: 'inner', 'X-Forwarded-Host': 'octopod.example.com' }
  const untrusting = await system.startServer(env)
  assert.equal((await send(untrusting.url, 'GET', '/api/v1/ping', forwarded)).status, 421)
  const trusting = await system.startServer({ ...env, TRUSTED_PROXIES: '127.0.0.0/8' })
  assert.equal((await send(trusting.url, 'GET', '/api/v1/ping', forwarded)).status, 200)
})

test('A stranger who sends too much gets 429 with Retry-After, a credential holder beside him none', async () => {
  const { url } = await system.startServer({ REQUEST_LIMIT: '5', SCRIPT_QUERY_TIMEOUT: '1' })
  const body = JSON.stringify([['key', 'x'.repeat(100_000)]])
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => send(url, 'POST', '/api/v1/application_overrides', json, body)),
  )
  const refused = answers.filter(({ status }) => status === 429)
  assert.ok(refused.length >= 50, `${refused.length} refused`)
  assert.match(refused[0]?.text ?? '', /"code":"rate_limited"/)
  assert.ok(Number(refused[0]?.headers['retry-after']) >= 1)
  const admin = createApiClient(url)
  for (let count = 0; count < 100; count += 1)
    assert.equal((await admin.api('GET', '/deployments')).status, 200)
})

test('A stranger over his limit is refused before a body of unknown length is read', async () => {
  const { url } = await system.startServer({ REQUEST_LIMIT: '1' })
  const statusOf = async () => (await send(url, 'GET', '/api/v1/ping')).status
  await waitFor('the stranger is refused', async () => {
    const status = await statusOf()
    return { done: status === 429, value: null, seen: status }
  })
  const { port } = new URL(url)
  const path = '/api/v1/application_overrides'
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path, headers: json })
  // The body has no end.
  sent.write('[["key",')
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 429)
  sent.destroy()
})

test('The rest of a large body that is refused is not read', async () => {
  const { port } = new URL(system.url)
  const paths = ['/api/v1/deployments', '/api/v1/nothing', '/nothing']
  for (const [path, length] of paths.flatMap((path) => [[path, 900_000] as const, [path, 900] as const])) {
    const headers = { Host: 'evil.example', 'Content-Length': length }
    const agent = new Agent({ keepAlive: true })
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent })
    sent.write('[')
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 421)
    assert.equal(response.headers.connection, length === 900 ? 'keep-alive' : 'close')
    sent.destroy()
    agent.destroy()
  }
})

test('Large bodies of strangers fill only a part of the memory, and a small one beside them is answered', async () => {
  const { url } = await system.startServer({ SCRIPT_QUERY_TIMEOUT: '5' })
  const large = JSON.stringify(Array.from({ length: 10 }, (_, at) => [`key-${at}`, 'x'.repeat(90_000)]))
  const post = async (body: string, headers = {}) =>
    (await send(url, 'POST', '/api/v1/application_overrides', { ...json, ...headers }, body)).status
  const statuses: (number | undefined)[] = []
  const sent = Array.from({ length: 8 }, () => post(large).then((status) => statuses.push(status)))
  await waitFor('four are refused', async () => ({
    done: statuses.length === 4,
    value: null,
    seen: statuses,
  }))
  assert.deepEqual(statuses, [429, 429, 429, 429])
  const beside = await Promise.all([post('[]'), post(large, { Authorization: system.adminHeader })])
  await Promise.all(sent)
  // No runner answers.
  assert.deepEqual(beside, [504, 504])
  assert.equal(statuses.filter((status) => status === 504).length, 4)
})

test('A stranger with many forms is refused, and a create beside them is accepted', async () => {
  const slow = await startSystem()
  try {
    // The defaults that the create needs are cached.
    const defaults = [
      ['region', 'eu'],
      ['db.password', 'hunter22'],
    ]
    await createApiClient(slow.url).api('POST', '/application_overrides', defaults)
    await slow.setBehavior('application_config', `wait ${slow.dir}/go`)
    const sent = Array.from({ length: 40 }, (_, at) => {
      const body = JSON.stringify([['key', `${at}`]])
      return send(slow.url, 'POST', '/api/v1/application_overrides', json, body).catch(() => null)
    })
    const statuses = new Set<number | undefined>()
    for (const answer of sent) void answer.then((got) => statuses.add(got?.status))
    await waitFor('the stranger is refused', async () => ({
      done: statuses.has(429),
      value: null,
      seen: [...statuses],
    }))
    assert.equal((await createApiClient(slow.url).create('mine')).status, 200)
  } finally {
    await writeFile(`${slow.dir}/go`, '')
    await slow.stop()
  }
})

test('Wrong credentials are logged by address and limited; a valid one beside them is not', async () => {
  const server = await system.startServer({ APP_AUTHORIZATION_HEADER: 'Bearer the-users', LOG_LEVEL: 'info' })
  const statusOf = async (authorization: string) =>
    (await send(server.url, 'GET', '/api/v1/whoami', { Authorization: authorization })).status
  assert.equal(await statusOf('Bearer guess-0'), 401)
  const statuses = await Promise.all(
    Array.from({ length: 99 }, (_, at) => statusOf(`Bearer guess-${at + 1}`)),
  )
  assert.equal(statuses.filter((status) => status === 401).length, 19)
  assert.equal(statuses.filter((status) => status === 429).length, 80)
  assert.equal(await statusOf('Bearer the-users'), 200)
  assert.equal(await statusOf(system.adminHeader), 200)
  assert.equal(await statusOf('Bearer guess-0'), 401, 'a stale credential keeps its answer')
  const protocol = `octopod.v2, auth.${Buffer.from('Bearer guess').toString('base64url')}`
  assert.equal(await openWebSocket(server.url, { 'Sec-WebSocket-Protocol': protocol }), 429)
  await server.stop()
  const logged = server.lines
    .filter((line) => line.includes('"wrong credential'))
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    logged.map(({ address, count }) => [address, count]),
    [
      ['127.0.0.1', 1],
      ['127.0.0.1', 102],
    ],
  )
  assert.ok(!server.lines.some((line) => line.includes('guess-')), 'no credential is logged')
})

test('With CONFIG_JSON_CREDENTIAL=off /config.json gives no credential, and with it the log warns', async () => {
  const credential = { APP_AUTHORIZATION_HEADER: 'Bearer the-users' }
  const credentialAt = async (url: string) =>
    JSON.parse((await send(url, 'GET', '/config.json', { Host: 'localhost' })).text).app_auth
  const on = await system.startServer(credential)
  assert.equal(await credentialAt(on.url), 'Bearer the-users')
  assert.ok(on.lines.some((line) => line.includes('CONFIG_JSON_CREDENTIAL=off')))
  const off = await system.startServer({ ...credential, CONFIG_JSON_CREDENTIAL: 'off' })
  assert.equal(await credentialAt(off.url), '')
  assert.ok(!off.lines.some((line) => line.includes('CONFIG_JSON_CREDENTIAL')))
})

test('The limit is that of the client behind a trusted proxy', async () => {
  const { url } = await system.startServer({ REQUEST_LIMIT: '1', TRUSTED_PROXIES: '127.0.0.1' })
  const statusFrom = async (address: string) =>
    (await send(url, 'GET', '/api/v1/project_name', { 'X-Forwarded-For': address })).status
  await waitFor('the first client is refused', async () => {
    const status = await statusFrom('198.51.100.1')
    return { done: status === 429, value: null, seen: status }
  })
  assert.equal(await statusFrom('198.51.100.2'), 200)
})
