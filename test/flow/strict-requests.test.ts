/** Requests that are ambiguous or ask for what is not there are refused, and every answer has the headers of HTTP. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

const userHeader = 'Bearer the-users'
let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const post = (body: BodyInit, contentType = 'application/json') =>
  fetch(`${system.url}/api/v1/deployments`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': contentType },
  })
const create = (name: string) => `{"name":"${name}","app_overrides":[],"deployment_overrides":[]}`

test('A body that is not UTF-8, in another charset or with a key twice is 400', async () => {
  const latin1 = Buffer.from(
    create('latin').replace('[]', '[["a",{"tag":"ValueAdded","contents":"ü"}]]'),
    'latin1',
  )
  const utf16 = Buffer.from(create('utf'), 'utf16le')
  for (const [title, response, message] of [
    ['invalid UTF-8', await post(latin1), /not valid UTF-8/],
    ['UTF-16', await post(utf16, 'application/json; charset=utf-16'), /charset utf-16/],
    ['Latin-1', await post(create('latin'), 'application/json;charset=iso-8859-1'), /charset iso-8859-1/],
    ['a key twice', await post(`{"name":"one",${create('two').slice(1)}`), /the key \\"name\\" twice/],
    ['many levels', await post('['.repeat(100_000) + ']'.repeat(100_000)), /more than 64 levels/],
  ] as const) {
    assert.equal(response.status, 400, title)
    assert.match(await response.text(), message, title)
  }
  assert.deepEqual((await octopod.api('GET', '/deployments')).body, [])
  assert.equal((await post(`\ufeff${create('bom')}`, 'Application/JSON; Charset="UTF-8"')).status, 200)
})

test('Numbers in another notation, an unknown source and a future revision are 400', async () => {
  for (const query of ['limit=0x10', 'limit=1e2', 'limit=%2010', 'limit=', 'before=+1'])
    assert.equal((await octopod.api('GET', `/deployments/x/actions?${query}`)).status, 400, query)
  const source = await octopod.create('sourced', {}, { 'Octopod-Source': 'elsewhere' })
  assert.equal(source.status, 400)
  await octopod.create('revised')
  const { revision } = await octopod.waitForStatus('revised', 'Running')
  const future = await octopod.update('revised', { a: '1' }, { 'If-Match': `"${revision + 1000}"` })
  assert.equal(future.status, 400)
  assert.match(future.text, /no revision/)
  const { revision: current } = await octopod.fullInfo('revised')
  assert.equal((await octopod.update('revised', { a: '1' }, { 'If-Match': `"${current}"` })).status, 200)
  await octopod.waitForStatus('revised', 'Running')
})

test('A page of another site does not run scripts by reading', async () => {
  await octopod.create('checked')
  await octopod.waitForStatus('checked', 'Running')
  const path = '/deployments/checked/status'
  for (const headers of [
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]) {
    const refused = await octopod.api('GET', path, undefined, headers)
    assert.deepEqual([refused.status, (refused.body as { code?: string }).code], [403, 'wrong_origin'])
    assert.equal((await octopod.api('GET', '/deployment_overrides', undefined, headers)).status, 403)
  }
  assert.equal((await octopod.api('GET', path, undefined, { 'Sec-Fetch-Site': 'same-origin' })).status, 200)
  assert.equal((await octopod.api('GET', path)).status, 200)
})

test('An idempotency key belongs to its caller', async () => {
  const { url } = await system.startServer({ APP_AUTHORIZATION_HEADER: userHeader })
  const key = { 'Idempotency-Key': randomUUID() }
  const first = await createApiClient(url).create('owned', {}, key)
  assert.equal(first.status, 200)
  const other = await createApiClient(url, userHeader).create('owned', {}, key)
  assert.equal(other.status, 400, 'the user gets no answer of the admin')
  assert.match(other.text, /name_taken/)
  assert.equal(getActionId(await createApiClient(url).create('owned', {}, key)), getActionId(first))
  await octopod.waitForStatus('owned', 'Running')
})

test('A repeated create whose deployment is deleted says so', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  await octopod.create('brief', {}, key)
  await octopod.waitForStatus('brief', 'Running')
  assert.equal((await octopod.create('brief', {}, key)).status, 200)
  assert.equal((await octopod.api('DELETE', '/deployments/brief/delete')).status, 200)
  const gone = await octopod.create('brief', {}, key)
  assert.deepEqual([gone.status, (gone.body as { code?: string }).code], [410, 'deployment_gone'])
  await octopod.create('brief', {}, { 'Idempotency-Key': randomUUID() })
  await octopod.waitForStatus('brief', 'Running')
  assert.equal((await octopod.create('brief', {}, key)).status, 410, 'another deployment has the name')
})

test('Every path answers another method with 405 and Allow', async () => {
  for (const path of [
    '/',
    '/healthz',
    '/readyz',
    '/config.json',
    '/event',
    '/api/v1/docs',
    '/api/v1/openapi.json',
  ])
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await octopod.call(method, path)
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], `${method} ${path}`)
    }
  for (const method of ['GET', 'HEAD']) assert.equal((await octopod.call(method, '/missing.js')).status, 404)
  const list = await octopod.call('OPTIONS', '/api/v1/deployments')
  assert.deepEqual([list.status, list.headers.get('allow')], [405, 'GET, POST, HEAD'])
})

test('Every answer has X-Request-Id, Octopod-Version and nosniff', async () => {
  const { port } = new URL(system.url)
  for (const [request, status] of [
    ['GET / HTTP/1.1\r\nHost: localhost', 200],
    ['GET /healthz HTTP/1.1\r\nHost: localhost', 200],
    ['GET /api/v1/deployments HTTP/1.1\r\nHost: localhost', 200],
    ['GET /api/v1/nothing HTTP/1.1\r\nHost: localhost', 404],
    ['GET /api/v1/ping HTTP/1.1\r\nHost: evil.example', 421],
    ['GET /api/v1/ping HTTP/1.1\r\nHost: a b', 400],
    ['GET /api/v1/ping HTTP/1.1', 421],
    ['GET /api/v1/ping HTTP/1.1\r\nno header', 400],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}`, 431],
    ['TRACE /api/v1/ping HTTP/1.1\r\nHost: localhost', 405],
    ['GET /event HTTP/1.1\r\nHost: localhost', 426],
    ['GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade', 200],
    ['GET /nothing HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade', 404],
  ] as const) {
    const socket = connect(Number(port), '127.0.0.1')
    const closing = request.includes('Connection') ? request : `${request}\r\nConnection: close`
    socket.write(`${closing}\r\n\r\n`)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
      if (text.includes('\r\n\r\n')) socket.end()
    })
    await once(socket, 'close')
    assert.equal(Number(text.split(' ')[1]), status, request)
    assert.match(text, /\r\nx-request-id: [\w.-]+\r\n/i, request)
    assert.match(text, /\r\nx-content-type-options: nosniff\r\n/i, request)
    assert.match(text, /\r\noctopod-version: \d+\.\d+\r\n/i, request)
  }
})

test('Answers of JSON are compressed with br or gzip, and the ETag still works', async () => {
  const names = Array.from({ length: 10 }, (_, at) => `many-${at}`)
  await Promise.all(names.map((name) => octopod.create(name, { 'image.tag': name })))
  // Then the list does not change any more.
  await Promise.all(names.map((name) => octopod.waitForStatus(name, 'Running')))
  const read = async (path: string, encoding: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${system.url}${path}`, {
      headers: { 'Accept-Encoding': encoding, ...headers },
    })
    return { response, text: await response.text(), encoding: response.headers.get('content-encoding') }
  }
  const plain = await read('/api/v1/openapi.json', 'identity')
  for (const encoding of ['br', 'gzip']) {
    const list = await read('/api/v1/deployments', encoding)
    assert.equal(list.encoding, encoding)
    assert.ok(list.text.includes('many-9'), 'fetch decompresses')
    const tag = list.response.headers.get('etag') ?? ''
    const again = await read('/api/v1/deployments', encoding, { 'If-None-Match': tag })
    assert.equal(again.response.status, 304)
    assert.equal((await read('/api/v1/deployments/many-1/actions', encoding)).response.status, 200)
    const document = await read('/api/v1/openapi.json', encoding)
    assert.equal(document.encoding, encoding)
    assert.equal(document.text, plain.text)
  }
  assert.equal(plain.encoding, null)
})

test('A client that accepts lines gets the list one deployment a line, with an ETag of its own and an end', async () => {
  const read = (headers: Record<string, string>) => fetch(`${system.url}/api/v1/deployments`, { headers })
  const [array, lines] = await Promise.all([
    read({ Accept: 'application/json, */*' }),
    read({ Accept: 'application/x-ndjson' }),
  ])
  assert.equal(lines.headers.get('content-type'), 'application/x-ndjson')
  assert.match(lines.headers.get('vary') ?? '', /Accept,/)
  assert.equal(lines.headers.get('octopod-view'), array.headers.get('octopod-view'))
  const text = await lines.text()
  assert.match(text, /\n\n$/)
  const listed = (await array.json()) as unknown[]
  assert.ok(listed.length > 0)
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    listed,
  )
  const [arrayTag, linesTag] = [array, lines].map(({ headers }) => headers.get('etag') ?? '')
  assert.notEqual(arrayTag, linesTag)
  const known = { Accept: 'application/x-ndjson', 'If-None-Match': linesTag ?? '' }
  assert.equal((await read(known)).status, 304)
  assert.equal((await read({ 'If-None-Match': linesTag ?? '' })).status, 200)
})
