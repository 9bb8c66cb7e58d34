/** A server that stops: first it says so, then it sends everybody elsewhere, and what it has begun it finishes. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, adminHeaders, createApiClient, getActionId } from '../helpers/api-client.ts'
import { openEventStream } from '../helpers/sse-client.ts'
import { type Program, type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWebSocket } from '../helpers/websocket-client.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

/** Its exit code, when it has exited after the one signal it was sent. */
async function ended(server: Program): Promise<number | null> {
  await waitFor('the server has exited', async () => ({ done: !server.isRunning(), value: null }))
  return (await server.exited).code
}

const gone = (url: string) =>
  waitFor('nothing new is taken', async () => {
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
  const ready = await waitFor('it is not ready', async () => {
    const reply = await client.call('GET', '/readyz')
    return { done: reply.status === 503, value: reply }
  })
  assert.deepEqual(ready.body, { status: 'not ready', postgres: 'ok', redis: 'ok', stopping: true })
  assert.equal((await client.create('late')).status, 200)
  assert.equal(socket.closeCode(), null)
  await socket.until('it is told to go elsewhere', (messages) => messages.at(-1)?.type === 'bye')
  await waitFor('it is closed', async () => ({ done: socket.closeCode() === 1012, value: null }))
  assert.equal(await ended(server), 0)
})

test('A stopping server ends streams, which resume at another server, and finishes its requests', async () => {
  const gate = join(system.dir, 'gate')
  const actionId = getActionId(await octopod.create('streamed', { 'behave.create': `wait ${gate}` }))
  const server = await system.startServer({ SHUTDOWN_GRACE: '20' })
  const path = `/api/v1/actions/${actionId}/output/stream`
  const stream = await openEventStream(`${server.url}${path}`, adminHeaders)
  const first = await stream.next()
  const asked = join(system.dir, 'asked')
  const begun = createApiClient(server.url).create('in-flight', { 'behave.config_check': `wait ${asked}` })
  await waitFor('the request is under way', async () => ({
    done: (await system.scriptCalls('config_check')).some((call) => call.includes('in-flight')),
    value: null,
  }))

  server.signal('SIGTERM')
  await gone(server.url)
  const rest = await stream.rest()
  assert.ok(!rest.some((event) => event.event === 'end'), 'the action has not ended')
  await writeFile(asked, '')
  assert.equal((await begun).status, 200, 'what it has begun it finishes')
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
  const asked = join(system.dir, 'asked-2')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      get(`${server.url}${path}`, { agent, headers: adminHeaders }, resolve).on('error', reject),
    )
  await octopod.create('kept')
  await octopod.waitForStatus('kept', 'Running')
  const free = await ask('/healthz')
  assert.equal(free.headers.connection, 'keep-alive')
  free.resume()
  await system.setBehavior('check', `wait ${asked}`)
  const before = (await system.scriptCalls('check')).length
  const slow = ask('/api/v1/deployments/kept/status')
  await waitFor('the check is asked for', async () => ({
    done: (await system.scriptCalls('check')).length > before,
    value: null,
  }))
  server.signal('SIGTERM')
  await gone(server.url)
  await writeFile(asked, '')
  const answer = await slow
  assert.equal(answer.statusCode, 200)
  answer.resume()
  const stoppedAt = Date.now()
  assert.equal(await ended(server), 0)
  assert.ok(Date.now() - stoppedAt < 4000, 'it does not wait for kept connections')
  agent.destroy()
  await system.setBehavior('check', '')
})
