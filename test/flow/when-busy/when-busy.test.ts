/** A second push: Octopod-When-Busy fail, wait and replace, with real scripts, checks and events. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Action } from '../../../domain/schemas.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '1' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const whenBusy = (mode: string, more: Record<string, string> = {}) => ({ 'Octopod-When-Busy': mode, ...more })
const actionOf = async (id: number) => (await octopod.api('GET', `/actions/${id}`)).body as Action
const endOf = (id: number) =>
  waitFor(`action ${id} has ended`, async () => {
    const action = await actionOf(id)
    return { done: action.finished_at !== null, value: action, seen: action.state }
  })
const start = (id: number) =>
  waitFor(`action ${id} runs`, async () => {
    const { state } = await actionOf(id)
    return { done: state === 'running', value: null, seen: state }
  })

/** A running deployment and an update whose script hangs until it is cancelled. */
async function createBusy(name: string): Promise<number> {
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  const actionId = getActionId(await octopod.update(name, { 'behave.update': 'hang' }))
  await start(actionId)
  return actionId
}

test('Of ten pushes in a row at most two run, the last one is deployed, and the others say what replaced them', async () => {
  await octopod.create('pushed')
  await octopod.waitForStatus('pushed', 'Running')
  const pushes = Array.from({ length: 10 }, (_, at) => at)
  const ids: number[] = []
  for (const at of pushes) {
    const pushed = await octopod.update(
      'pushed',
      { 'image.tag': `v${at}`, 'behave.update': 'pause 1' },
      whenBusy('wait'),
    )
    assert.equal(pushed.status, 200, pushed.text)
    ids.push(getActionId(pushed))
  }
  const ended = await Promise.all(ids.map(endOf))
  const states = ended.map(({ state }) => state)
  assert.equal(states.at(-1), 'succeeded')
  assert.ok(states.filter((state) => state === 'succeeded').length <= 2, String(states))
  assert.equal(states.filter((state) => state === 'superseded').length, 8)
  for (const { state, error } of ended)
    if (state === 'superseded') assert.match(error ?? '', /^Replaced by action \d+ of pushed\.$/)
  const { deployment } = await octopod.waitForStatus('pushed', 'Running')
  assert.deepEqual(deployment.app_overrides[0], ['image.tag', { tag: 'ValueAdded', contents: 'v9' }])
  const runs = (await system.scriptCalls('update')).filter((call) => call.includes('pushed'))
  assert.equal(runs.length, states.filter((state) => state === 'succeeded').length)
})

test('A waiting update is shown, starts by itself, and its output is one stream from the beginning', async () => {
  const socket = await connectWebSocket(system.url)
  const running = await createBusy('shown')
  const waiting = getActionId(
    await octopod.update('shown', { 'behave.update': 'print second' }, whenBusy('wait')),
  )
  const shown = await octopod.fullInfo('shown')
  assert.deepEqual(
    [shown.last_action?.action_id, shown.waiting_action?.action_id, shown.waiting_action?.action],
    [running, waiting, 'UpdateAction'],
  )
  await socket.until('an event shows that it waits', () =>
    socket
      .events()
      .some((event) => event.type === 'deployment' && event.deployment.waiting_action?.action_id === waiting),
  )
  const page = (await octopod.api('GET', `/actions/${waiting}/output`)).body as { done: boolean }
  assert.equal(page.done, false)
  await octopod.api('POST', `/actions/${running}/cancel`)
  assert.equal((await endOf(waiting)).state, 'succeeded')
  const { body } = await octopod.api('GET', `/log/${waiting}`)
  assert.deepEqual(body, {
    stdout: { un_stdout: 'second\nupdate of shown done\n' },
    stderr: { un_stderr: '' },
  })
  const [info] = (await octopod.api('GET', '/deployments/shown/info')).body as [
    { logs: { action_id: number }[] },
  ]
  assert.equal(info.logs[0]?.action_id, waiting)
  socket.close()
})

test('replace cancels the running action, and its own action follows', async () => {
  const running = await createBusy('replaced')
  const key = { 'Idempotency-Key': 'replace-1' }
  const first = await octopod.update('replaced', {}, whenBusy('replace', key))
  assert.equal(first.status, 200, first.text)
  assert.equal(
    getActionId(await octopod.update('replaced', {}, whenBusy('replace', key))),
    getActionId(first),
  )
  assert.equal((await endOf(running)).state, 'cancelled')
  assert.equal((await endOf(getActionId(first))).state, 'succeeded')
  await octopod.waitForStatus('replaced', 'Running')
})

test('replace ends the wait for a health check that does not pass', async () => {
  await octopod.create('unhealthy', { 'behave.check': 'exit 1' })
  await octopod.waitForStatus('unhealthy', 'CreatePending')
  const waiting = await octopod.update('unhealthy', { fixed: 'no' }, whenBusy('wait'))
  assert.equal((await actionOf(getActionId(waiting))).state, 'waiting')
  const replacing = await octopod.update('unhealthy', { fixed: 'yes' }, whenBusy('replace'))
  assert.equal((await endOf(getActionId(replacing))).state, 'succeeded')
  assert.equal((await actionOf(getActionId(waiting))).state, 'superseded')
  await octopod.waitForStatus('unhealthy', 'Running')
})

test('The audit log says that a waiting action has ended with its deployment', async () => {
  await octopod.create('deleted', { 'behave.check': 'exit 1' })
  await endOf((await octopod.waitForStatus('deleted', 'CreatePending')).last_action?.action_id ?? 0)
  const waiting = getActionId(await octopod.update('deleted', {}, whenBusy('wait')))
  const deleted = await octopod.api('DELETE', '/deployments/deleted/delete')
  assert.equal(deleted.status, 200, deleted.text)
  const { body } = await octopod.api('GET', '/audit?deployment=deleted')
  const { entries } = body as { entries: { operation: string; action_id: number; proof: string }[] }
  const ended = entries.filter(({ operation }) => operation === 'end_waiting')
  assert.deepEqual(
    ended.map(({ action_id, proof }) => [action_id, proof]),
    [[waiting, 'system']],
  )
})

test('A restore does not end the archive that it waits for', async () => {
  await octopod.create('archiving', { 'behave.archive_check': 'exit 1' })
  await octopod.waitForStatus('archiving', 'Running')
  assert.equal((await endOf(getActionId(await octopod.archive('archiving')))).state, 'succeeded')
  const restore = (mode: string) =>
    octopod.api('PATCH', '/deployments/archiving/restore', undefined, whenBusy(mode))
  const refused = await restore('replace')
  assert.deepEqual(
    [refused.status, /Use wait instead of replace/.test(refused.text)],
    [409, true],
    refused.text,
  )
  const waiting = await restore('wait')
  assert.equal(waiting.status, 200, waiting.text)
  assert.equal(
    (await octopod.waitForStatus('archiving', 'ArchivePending')).last_action?.action,
    'ArchiveAction',
  )
  assert.equal((await actionOf(getActionId(waiting))).state, 'waiting')
})

test('A config that config_check rejects does not wait', async () => {
  await createBusy('checked')
  const refused = await octopod.update(
    'checked',
    { 'behave.config_check': 'reject no such tag' },
    whenBusy('wait'),
  )
  assert.deepEqual([refused.status, refused.text], [400, 'no such tag\n'])
  assert.equal((await octopod.fullInfo('checked')).waiting_action, null)
})

test('An archive waits too, and a delete and a cleanup never do', async () => {
  const running = await createBusy('leaving')
  const archive = await octopod.api('DELETE', '/deployments/leaving', undefined, whenBusy('wait'))
  assert.equal(archive.status, 200, archive.text)
  for (const path of ['cleanup', 'delete']) {
    const refused = await octopod.api('DELETE', `/deployments/leaving/${path}`, undefined, whenBusy('wait'))
    assert.equal(refused.status, 400, refused.text)
    assert.match(refused.text, /Leave the header out/)
  }
  const unknown = await octopod.update('leaving', {}, whenBusy('queue'))
  assert.deepEqual([unknown.status, /fail, wait, replace/.test(unknown.text)], [400, true])
  await octopod.api('POST', `/actions/${running}/cancel`)
  await octopod.waitForStatus('leaving', 'Archived')
})
