/** A server that stops: first it says so, then it sends everybody elsewhere, and what it has begun it finishes. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { actionIdOf, adminOf, type Client, clientOf } from '../helpers/client.ts'
import { readEvents } from '../helpers/event-stream.ts'
import { eventually } from '../helpers/eventually.ts'
import { listen } from '../helpers/live.ts'
import { type Program, type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: Client
before(async () => {
  system = await startSystem()
  octopod = clientOf(system.url)
})
after(() => system?.stop())

/** Its exit code, when it has ended by the one signal it was sent. */
const ended = (server: Program) =>
  eventually('the server has ended', async () => {
    const { exitCode } = server.child
    return { done: exitCode !== null, value: exitCode }
  })

const gone = (url: string) =>
  eventually('nothing new is taken', async () => {
    const refused = await fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    )
    return { done: refused, value: null }
  })

test('during SHUTDOWN_DELAY it is not ready and does all as before', async () => {
  const server = await system.startServer({ SHUTDOWN_DELAY: '4' })
  const client = clientOf(server.url)
  const socket = await listen(server.url)
  server.child.kill('SIGTERM')
  const ready = await eventually('it is not ready', async () => {
    const reply = await client.call('GET', '/readyz')
    return { done: reply.status === 503, value: reply }
  })
  assert.deepEqual(ready.body, { status: 'not ready', postgres: 'ok', redis: 'ok', stopping: true })
  assert.equal((await client.create('late')).status, 200)
  assert.equal(socket.closeCode(), null)
  await socket.until('it is told to go elsewhere', (messages) => messages.at(-1)?.type === 'bye')
  await eventually('it is closed', async () => ({ done: socket.closeCode() === 1012, value: null }))
  assert.equal(await ended(server), 0)
})

test('it ends streams, which go on elsewhere, and answers the requests it has', async () => {
  const gate = join(system.dir, 'gate')
  const actionId = actionIdOf(await octopod.create('streamed', { 'behave.create': `wait ${gate}` }))
  const server = await system.startServer({ SHUTDOWN_GRACE: '20' })
  const path = `/api/v1/actions/${actionId}/output/stream`
  const stream = await readEvents(`${server.url}${path}`, adminOf)
  const first = await stream.next()
  const asked = join(system.dir, 'asked')
  const begun = clientOf(server.url).create('in-flight', { 'behave.config_check': `wait ${asked}` })
  await eventually('the request is under way', async () => ({
    done: (await system.calls('config_check')).some((call) => call.includes('in-flight')),
    value: null,
  }))

  server.child.kill('SIGTERM')
  await gone(server.url)
  const rest = await stream.rest()
  assert.ok(!rest.some((event) => event.event === 'end'), 'the action has not ended')
  await writeFile(asked, '')
  assert.equal((await begun).status, 200, 'what it has begun it finishes')
  assert.equal(await ended(server), 0)

  await writeFile(gate, '')
  const resumed = await readEvents(`${system.url}${path}`, { ...adminOf, 'Last-Event-ID': first.id })
  const events = await resumed.rest()
  assert.equal(events.at(-1)?.event, 'end')
  assert.ok(!events.some((event) => event.event === 'chunk' && event.id === first.id))
})

test('a kept connection is told to close, so that the next request goes elsewhere', async () => {
  const server = await system.startServer({ SHUTDOWN_GRACE: '20' })
  const asked = join(system.dir, 'asked-2')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      get(`${server.url}${path}`, { agent, headers: adminOf }, resolve).on('error', reject),
    )
  await octopod.create('kept')
  await octopod.settled('kept', 'Running')
  const free = await ask('/healthz')
  assert.equal(free.headers.connection, 'keep-alive')
  free.resume()
  await system.behave('check', `wait ${asked}`)
  const before = (await system.calls('check')).length
  const slow = ask('/api/v1/deployments/kept/status')
  await eventually('the check is asked for', async () => ({
    done: (await system.calls('check')).length > before,
    value: null,
  }))
  server.child.kill('SIGTERM')
  await gone(server.url)
  await writeFile(asked, '')
  const answer = await slow
  assert.equal(answer.statusCode, 200)
  answer.resume()
  const stoppedAt = Date.now()
  assert.equal(await ended(server), 0)
  assert.ok(Date.now() - stoppedAt < 4000, 'it does not wait for kept connections')
  agent.destroy()
  await system.behave('check', '')
})
