/** The Agents of the executable (on fetch) and of the package (on http): their time limits, and what they leave to undici. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openAgent as openOnFetch } from '../../infra/octo/agent-on-fetch.ts'
import { openAgent as openOnHttp } from '../../infra/octo/agent-on-http.ts'

const options = { connect: { timeout: 100 }, headersTimeout: 400, bodyTimeout: 400 }
const never = () => assert.fail('undici was loaded')

async function originOf(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

async function served(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  t.after(() => server.closeAllConnections())
  return originOf(t, server)
}

const asked = (origin: string, more = {}) => ({ origin, path: '/', method: 'GET', headers: {}, ...more })

for (const [kind, openAgent] of [
  ['fetch', openOnFetch],
  ['http', openOnHttp],
] as const) {
  test(`on ${kind} an answer comes with status, headers and text, and a redirect is not followed`, async (t) => {
    const origin = await served(t, (request, response) => {
      response.writeHead(302, { location: '/login', 'x-was': request.method }).end('überall')
    })
    const agent = openAgent(options, never)
    const got = await agent.request(asked(origin, { method: 'PUT', body: '{}' }))
    assert.deepEqual([got.statusCode, got.headers.location, got.headers['x-was']], [302, '/login', 'PUT'])
    assert.equal(await got.body.text(), 'überall')
  })

  test(`on ${kind} a slow answer is waited for, a missing one is given up, before and within the body`, async (t) => {
    const origin = await served(t, (request, response) => {
      if (request.method === 'GET') setTimeout(() => response.end('late'), 250)
      if (request.method === 'PUT') response.write('half')
    })
    const agent = openAgent(options, never)
    assert.equal(await (await agent.request(asked(origin))).body.text(), 'late')
    const missing = agent.request(asked(origin, { method: 'POST' }))
    await assert.rejects(missing, { code: 'UND_ERR_HEADERS_TIMEOUT' })
    const { body } = await agent.request(asked(origin, { method: 'PUT' }))
    await assert.rejects(body.text(), { code: 'UND_ERR_BODY_TIMEOUT' })
  })

  test(`on ${kind} leaving ends what is under way`, async (t) => {
    const origin = await served(t, () => {})
    const agent = openAgent(options, never)
    const waiting = assert.rejects(agent.request(asked(origin)), { code: 'UND_ERR_DESTROYED' })
    await agent.destroy()
    await waiting
    const aborting = new AbortController()
    const other = openAgent(options, never).request(asked(origin, { signal: aborting.signal }))
    aborting.abort()
    await assert.rejects(other, { name: 'AbortError' })
  })
}

test('on fetch a read that failed is asked again by undici, which names the fault; a write is not', async (t) => {
  const origin = await originOf(
    t,
    createTcpServer((socket) => socket.once('data', () => socket.destroy())),
  )
  let loads = 0
  const agent = openOnFetch(options, () => {
    loads += 1
    const fault = Object.assign(new Error('x'), { code: 'NAMED' })
    return { request: () => Promise.reject(fault), dispatch: () => true, destroy: async () => {} }
  })
  await assert.rejects(agent.request(asked(origin, { method: 'POST' })))
  assert.equal(loads, 0)
  await assert.rejects(agent.request(asked(origin)), { code: 'NAMED' })
  assert.equal(loads, 1)
})

test('on http what goes wrong has the name Node gives it, and connections are kept for the next request', async (t) => {
  const nobody = openOnHttp(options, never)
  await assert.rejects(nobody.request(asked('http://127.0.0.1:1')), { code: 'ECONNREFUSED' })
  const cutting = await originOf(
    t,
    createTcpServer((socket) => socket.once('data', () => socket.destroy())),
  )
  await assert.rejects(openOnHttp(options, never).request(asked(cutting)), { code: 'ECONNRESET' })
  const ports = new Set<number | undefined>()
  const origin = await served(t, (request, response) => {
    ports.add(request.socket.remotePort)
    response.end('x')
  })
  const agent = openOnHttp(options, never)
  for (const _ of [1, 2]) await (await agent.request(asked(origin))).body.text()
  await agent.destroy()
  assert.equal(ports.size, 1)
})
