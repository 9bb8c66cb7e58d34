/** The output of an action as server-sent events. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, adminHeaders, createApiClient, getActionId } from '../helpers/api-client.ts'
import { openEventStream } from '../helpers/sse-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const open = (actionId: number, headers: Record<string, string> = {}) =>
  openEventStream(`${system.url}/api/v1/actions/${actionId}/output/stream`, { ...adminHeaders, ...headers })

test('Output arrives while the script runs, and the stream ends with the action', async () => {
  const gate = join(system.dir, 'gate')
  const actionId = getActionId(await octopod.create('streamed', { 'behave.create': `wait ${gate}` }))
  const stream = await open(actionId)
  const first = await stream.next()
  assert.equal(first.event, 'chunk')
  assert.match(first.data, /waiting/)
  assert.equal((await octopod.fullInfo('streamed')).last_action?.state, 'running')
  await writeFile(gate, '')
  const rest = await stream.rest()
  assert.match(rest.map((event) => event.data).join(''), /create of streamed done/)
  assert.deepEqual(rest.at(-1)?.event, 'end')
  assert.deepEqual(JSON.parse(rest.at(-1)?.data ?? ''), { state: 'succeeded' })
})

test('A stream resumes after Last-Event-ID, also on another server', async () => {
  const gate = join(system.dir, 'gate-2')
  const actionId = getActionId(await octopod.create('resumed', { 'behave.create': `wait ${gate}` }))
  const stream = await open(actionId)
  const first = await stream.next()
  stream.cancel()
  await writeFile(gate, '')
  await octopod.waitForActionEnd(actionId)
  const other = await system.startServer()
  const url = `${other.url}/api/v1/actions/${actionId}/output/stream`
  const again = await openEventStream(url, { ...adminHeaders, 'Last-Event-ID': first.id })
  const events = await again.rest()
  assert.equal(
    events.some((event) => event.id === first.id && event.event === 'chunk'),
    false,
  )
  assert.match(events.map((event) => event.data).join(''), /create of resumed done/)
})

test('A finished action is streamed as a whole', async () => {
  const actionId = getActionId(await octopod.create('whole'))
  await octopod.waitForActionEnd(actionId)
  const events = await (await open(actionId)).rest()
  assert.deepEqual(
    events.map((event) => event.event),
    ['chunk', 'end'],
  )
})
