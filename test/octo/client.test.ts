/** The client inside one process: its time limits, and words for the faults no test can bring about elsewhere. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openClient } from '../../octo/client.ts'
import { readConnection } from '../../octo/connection.ts'
import { Failure } from '../../octo/failure.ts'
import { unreachable } from '../../octo/fault.ts'
import { fakeServer } from './fake-server.ts'

const limits = { connectMs: 200, answerMs: 300 }

async function listening(
  t: TestContext,
  server: Server | ReturnType<typeof createTcpServer>,
): Promise<string> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

async function failureOf(t: TestContext, url: string): Promise<Failure> {
  const client = openClient(readConnection({ OCTOPOD_URL: url }), limits)
  t.after(() => client.close())
  const failure: unknown = await client.call('listDeployments', {}).catch((error) => error)
  assert.ok(failure instanceof Failure)
  return failure
}

test('a server that never answers is given up', async (t) => {
  const failure = await failureOf(
    t,
    `http://${await listening(
      t,
      createServer(() => {}),
    )}`,
  )
  assert.equal(failure.kind, 'unreachable')
  assert.match(failure.message, /it did not answer in time/)
})

test('an answer that stops halfway is given up', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('[')
  })
  assert.match(
    (await failureOf(t, `http://${await listening(t, server)}`)).message,
    /its answer stopped halfway/,
  )
})

test('a connection that does not come about is given up', async (t) => {
  const sockets = new Set<{ destroy(): void }>()
  const silent = createTcpServer((socket) => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const failure = await failureOf(t, `https://${await listening(t, silent)}`)
  assert.match(failure.message, /no connection came about in time/)
})

test('parameters and queries are percent-encoded below the prefix', async (t) => {
  const fake = await fakeServer(t, {})
  const client = openClient(
    readConnection({ OCTOPOD_URL: `${fake.url}/octo pod`.replace(' ', '%20') }),
    limits,
  )
  t.after(() => client.close())
  await assert.rejects(client.call('listActions', { params: { name: 'a/../b?' }, query: { limit: 5 } }))
  assert.equal(fake.asked[0]?.path, '/octo%20pod/api/v1/deployments/a%2F..%2Fb%3F/actions')
  assert.equal(fake.asked[0]?.query, 'limit=5')
})

test('answers that are text are given as they are', async (t) => {
  const fake = await fakeServer(t, { 'GET /api/v1/ping': { body: 'abc123' } })
  const client = openClient(readConnection({ OCTOPOD_URL: fake.url }))
  t.after(() => client.close())
  assert.equal(await client.call('ping', {}), 'abc123')
})

test('every network fault has words of its own', () => {
  const connection = readConnection({ OCTOPOD_URL: 'https://octopod.example.com' })
  for (const [code, said, doubtful] of [
    ['ENOTFOUND', /no host of this name/, false],
    ['EAI_AGAIN', /could not be looked up/, false],
    ['EHOSTUNREACH', /no way to this host/, false],
    ['ECONNRESET', /connection was cut/, true],
    ['UND_ERR_HEADERS_TIMEOUT', /did not answer in time/, true],
    ['CERT_HAS_EXPIRED', /certificate has expired/, false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate is for another name/, false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed by an issuer this machine does not know/, false],
    ['E_NEVER_SEEN', /the request failed \(E_NEVER_SEEN\)/, true],
  ] as const) {
    const failure = unreachable(connection, Object.assign(new Error('x'), { code }), true)
    assert.match(failure.message, said)
    assert.equal(/carried out is not known/.test(failure.remedy ?? ''), doubtful, code)
  }
  const many = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })])
  assert.match(unreachable(connection, many, false).message, /connection refused/)
})
