/** A stopping server is first not ready, then sends its clients to other servers, and finishes its requests. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, adminHeaders, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { openEventStream } from '../../helpers/sse-client.ts'
import { type Program, type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

/** Waits until the server has exited after its one signal. Returns the exit code. */
async function ended(server: Program): Promise<number | null> {
  await waitFor('the server has exited', async () => ({ done: !server.isRunning(), value: null }))
  return (await server.exited).code
}

const waitUntilClosed = (url: string) =>
  waitFor('the server accepts no connections', async () => {
    const refused = await fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    )
    return { done: refused, value: null }
  })

test('During SHUTDOWN_DELAY a server is not ready and serves everything as before', async () => {
  const server = await system.startServer({ SHUTDOWN_DELAY: '4' })
  const client = createApiClient(server.url)
  const socket = await connectWebSocket(server.url)
  server.signal('SIGTERM')
  const ready = await waitFor('the server is not ready', async () => {
    const reply = await client.call('GET', '/readyz')
    return { done: reply.status === 503, value: reply }
  })
  assert.deepEqual(ready.body, { status: 'not ready', postgres: 'ok', redis: 'ok', stopping: true })
  assert.equal((await client.create('late')).status, 200)
  assert.equal(socket.closeCode(), null)
  await socket.until('the client receives a bye', (messages) => messages.at(-1)?.type === 'bye')
  await waitFor('the websocket is closed', async () => ({ done: socket.closeCode() === 1012, value: null }))
  assert.equal(await ended(server), 0)
})

test('A stopping server ends streams, which resume at another server, and finishes its requests', async () => {
  const gate = join(system.dir, 'gate')
  const actionId = getActionId(await octopod.create('streamed', { 'behave.create': `wait ${gate}` }))
  const server = await system.startServer({ SHUTDOWN_GRACE: '20' })
  const path = `/api/v1/actions/${actionId}/output/stream`
  const stream = await openEventStream(`${server.url}${path}`, adminHeaders)
  const first = await stream.next()
  const checkGate = join(system.dir, 'config-check-gate')
  const inFlight = createApiClient(server.url).create('in-flight', {
    'behave.config_check': `wait ${checkGate}`,
  })
  await waitFor('config_check runs', async () => ({
    done: (await system.scriptCalls('config_check')).some((call) => call.includes('in-flight')),
    value: null,
  }))

  server.signal('SIGTERM')
  await waitUntilClosed(server.url)
  const rest = await stream.rest()
  assert.ok(!rest.some((event) => event.event === 'end'), 'the action has not ended')
  await writeFile(checkGate, '')
  assert.equal((await inFlight).status, 200, 'the running request is finished')
  assert.equal(await ended(server), 0)

  await writeFile(gate, '')
  const resumed = await openEventStream(`${system.url}${path}`, {
    ...adminHeaders,
    'Last-Event-ID': first.id,
  })
  const events = await resumed.rest()
  assert.equal(events.at(-1)?.event, 'end')
  assert.ok(!events.some((event) => event.event === 'chunk' && event.id === first.id))
})

test('A stopping server closes keep-alive connections, so that the next request goes to another server', async () => {
  const server = await system.startServer({ SHUTDOWN_GRACE: '20' })
  const checkGate = join(system.dir, 'check-gate')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const getPath = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      get(`${server.url}${path}`, { agent, headers: adminHeaders }, resolve).on('error', reject),
    )
  await octopod.create('kept')
  await octopod.waitForStatus('kept', 'Running')
  const free = await getPath('/healthz')
  assert.equal(free.headers.connection, 'keep-alive')
  free.resume()
  await system.setBehavior('check', `wait ${checkGate}`)
  const before = (await system.scriptCalls('check')).length
  const slow = getPath('/api/v1/deployments/kept/status')
  await waitFor('the check runs', async () => ({
    done: (await system.scriptCalls('check')).length > before,
    value: null,
  }))
  server.signal('SIGTERM')
  await waitUntilClosed(server.url)
  await writeFile(checkGate, '')
  const answer = await slow
  assert.equal(answer.statusCode, 200)
  answer.resume()
  const stoppedAt = Date.now()
  assert.equal(await ended(server), 0)
  assert.ok(Date.now() - stoppedAt < 4000, 'the server does not wait for keep-alive connections')
  agent.destroy()
  await system.setBehavior('check', '')
})
