/** The API client in the process of the test: time limits, and the message of every network error. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import { CliError } from '../../../octo/errors/cli-error.ts'
import { networkError } from '../../../octo/errors/http.ts'
import { fakeServer } from '../fake-server.ts'

const timeLimits = { connectTimeoutMs: 200, responseTimeoutMs: 300 }

async function listen(t: TestContext, server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

async function callAndFail(t: TestContext, url: string): Promise<CliError> {
  const client = createApiClient(readConnection({ OCTOPOD_URL: url }), timeLimits)
  t.after(() => client.close())
  const failure: unknown = await client.call('listDeployments', {}).catch((error) => error)
  assert.ok(failure instanceof CliError)
  return failure
}

test('A request to a server that never responds times out', async (t) => {
  const error = await callAndFail(
    t,
    `http://${await listen(
      t,
      createServer(() => {}),
    )}`,
  )
  assert.equal(error.kind, 'unreachable')
  assert.match(error.message, /it did not respond in time/)
})

test('A request that runs config_check waits longer than others', async (t) => {
  const server = createServer((request, response) => {
    request.resume()
    setTimeout(
      () =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'octopod-version': '2.0' })
          .end('{"tag":"Success"}'),
      900,
    )
  })
  const host = await listen(t, server)
  const client = createApiClient(readConnection({ OCTOPOD_URL: `http://${host}` }), timeLimits)
  t.after(() => client.close())
  const body = { name: 'x1', app_overrides: [], deployment_overrides: [] }
  await client.call('createDeployment', { body })
})

test('A response that stops halfway times out', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'octopod-version': '2.0' })
    response.write('[')
  })
  assert.match(
    (await callAndFail(t, `http://${await listen(t, server)}`)).message,
    /its response stopped halfway/,
  )
})

test('A connection that cannot be established times out', async (t) => {
  const sockets = new Set<{ destroy(): void }>()
  const silentServer = createTcpServer((socket) => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const error = await callAndFail(t, `https://${await listen(t, silentServer)}`)
  assert.match(error.message, /the connection timed out/)
})

test('Path parameters and queries are percent-encoded below the prefix', async (t) => {
  const fake = await fakeServer(t, {})
  const client = createApiClient(
    readConnection({ OCTOPOD_URL: `${fake.url}/octo pod`.replace(' ', '%20') }),
    timeLimits,
  )
  t.after(() => client.close())
  await assert.rejects(client.call('listActions', { params: { name: 'a/../b?' }, query: { limit: 5 } }))
  assert.equal(fake.requests[0]?.path, '/octo%20pod/api/v1/deployments/a%2F..%2Fb%3F/actions')
  assert.equal(fake.requests[0]?.query, 'limit=5')
})

test('A text response is returned unchanged', async (t) => {
  const fake = await fakeServer(t, { 'GET /api/v1/ping': { body: 'abc123' } })
  const client = createApiClient(readConnection({ OCTOPOD_URL: fake.url }))
  t.after(() => client.close())
  assert.equal(await client.call('ping', {}), 'abc123')
})

test('Every network error has its own message', () => {
  const connection = readConnection({ OCTOPOD_URL: 'https://octopod.example.com' })
  for (const [code, expectedMessage, isDoubtful] of [
    ['ENOTFOUND', /host name does not exist/, false],
    ['EAI_AGAIN', /could not be resolved/, false],
    ['EHOSTUNREACH', /no route to this host/, false],
    ['ECONNRESET', /connection broke/, true],
    ['UND_ERR_HEADERS_TIMEOUT', /did not respond in time/, true],
    ['CERT_HAS_EXPIRED', /certificate has expired/, false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate is for another name/, false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed by an issuer that this machine does not know/, false],
    ['E_NEVER_SEEN', /the request failed \(E_NEVER_SEEN\)/, true],
  ] as const) {
    const error = networkError(connection, Object.assign(new Error('x'), { code }), true)
    assert.match(error.message, expectedMessage)
    assert.equal(/unknown whether the request was carried out/.test(error.remedy ?? ''), isDoubtful, code)
  }
  const aggregate = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })])
  assert.match(networkError(connection, aggregate, false).message, /connection refused/)
})
