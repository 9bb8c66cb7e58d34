/** Why a deployment failed: the same explanation for every reader, without control codes and secrets. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Action } from '../../domain/schemas.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
/** Has no credential. */
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '1' } })
  octopod = createApiClient(system.url, null)
})
after(() => system?.stop())

const readAction = async (client: ApiClient, actionId: number) =>
  (await client.api('GET', `/actions/${actionId}`)).body as Action

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const noControlCode = /^[^\u0000-\u0008\u000b-\u001f\u007f]*$/

test('A failed create says what failed, with clean last lines and a hint, to everyone', async () => {
  const printed = '\\033[31mError:\\033[0m image shop:v9 not found'
  const created = await octopod.create('broken', {
    'behave.create': `fail-with 3 ${printed}`,
    'behave.check': 'exit 1',
  })
  await octopod.waitForStatus('broken', 'GenericFailure')
  const expected = {
    what: 'script',
    script: 'create',
    message: 'The create script failed with exit code 3.',
    hint: 'Image shop:v9 was not found in the registry.',
    output: 'Error: image shop:v9 not found',
    output_hidden: false,
    remedies: ['retry', 'edit', 'show_output'],
  }
  const info = await octopod.fullInfo('broken')
  assert.deepEqual(info.last_action?.failure, expected)
  assert.equal(info.last_action?.error, expected.message)
  const action = await readAction(octopod, getActionId(created))
  assert.deepEqual(action.failure, expected)
  assert.deepEqual((await octopod.actions('broken'))[0]?.failure, expected)
  assert.match(JSON.stringify([info, action]), noControlCode)
})

test('A failed check says what the check printed', async () => {
  await octopod.create('unhealthy', { 'behave.check': 'fail-with 1 \\033[33m503 from /health\\033[0m' })
  const check = await waitFor('a failed check', async () => {
    const { last_check: value } = await octopod.fullInfo('unhealthy')
    return { done: value?.failure != null, value, seen: value }
  })
  assert.equal(check?.error, 'The check script failed with exit code 1.')
  assert.equal(check?.failure?.output, '503 from /health')
  assert.deepEqual(check?.failure?.remedies, ['stop_waiting', 'edit'])
})

test('A rejected config is shown without control codes', async () => {
  const refused = await octopod.create('refused', {
    'behave.config_check': 'fail-with 1 \\033[31mError:\\033[0m no tag',
  })
  assert.equal(refused.status, 400)
  assert.equal(refused.text.trim(), 'Error: no tag')
  const silent = await octopod.create('silent', { 'behave.config_check': 'exit 4' })
  assert.equal(
    silent.text,
    'The config_check script rejected the config with exit code 4 and printed no reason.',
  )
})

test('The last lines of a failure are redacted, and at most twenty', async () => {
  const lines = Array.from({ length: 30 }, (_, line) => `line${line}`).join('\\n')
  await octopod.create('long', {
    'behave.create': `fail-with 1 ${lines}\\nhunter22`,
    'behave.check': 'exit 1',
  })
  await octopod.waitForStatus('long', 'GenericFailure')
  const { last_action } = await octopod.fullInfo('long')
  const output = last_action?.failure?.output?.split('\n') ?? []
  assert.equal(output.length, 20)
  assert.deepEqual(output.slice(-2), ['line29', '***'])
})

test('A success has no failure', async () => {
  const created = await octopod.create('fine')
  const info = await octopod.waitForStatus('fine', 'Running')
  assert.equal(info.last_action?.error, null)
  assert.equal((await readAction(octopod, getActionId(created))).failure, null)
})

test('With OUTPUT_READERS=admin a reader without the admin credential learns what failed, not what was printed', async () => {
  const server = await system.startServer({ OUTPUT_READERS: 'admin' })
  const reader = createApiClient(server.url, null)
  const admin = createApiClient(server.url)
  const created = await reader.create('hidden', {
    'behave.create': 'fail-with 3 words of the script',
    'behave.check': 'exit 1',
  })
  const { last_action } = await octopod
    .waitForStatus('hidden', 'GenericFailure')
    .then(() => reader.fullInfo('hidden'))
  assert.equal(last_action?.failure?.message, 'The create script failed with exit code 3.')
  assert.equal(last_action?.failure?.output, null)
  assert.equal(last_action?.failure?.output_hidden, true)
  assert.deepEqual(last_action?.failure?.remedies, ['retry', 'edit', 'sign_in'])
  const actionId = getActionId(created)
  assert.deepEqual((await readAction(reader, actionId)).failure, last_action?.failure)
  for (const path of [
    `/actions/${actionId}/output`,
    `/actions/${actionId}/output/stream`,
    `/log/${actionId}`,
  ])
    assert.equal((await reader.api('GET', path)).status, 401, path)
  assert.equal((await admin.fullInfo('hidden')).last_action?.failure?.output, 'words of the script')
})

/** The variables about a failure that the notifications script got for this change. */
async function notified(name: string, status: string): Promise<Record<string, string>> {
  const text = await waitFor(`a notification of ${name}`, async () => {
    const value = await readFile(`${system.dir}/notified-${name}-${status}`, 'utf8').catch(() => '')
    return { done: value !== '', value }
  })
  const variables = text.split('\0').filter((line) => line.startsWith('OCTOPOD_FAILURE_'))
  return Object.fromEntries(variables.map((line) => line.split(/=(.*)/s).slice(0, 2)))
}

test('The notifications script learns what failed, without control codes and secrets, and nothing otherwise', async () => {
  await system.setBehavior('notifications', 'record-failure')
  await octopod.create('told', {
    'behave.create': 'fail-with 3 \\033[31mError:\\033[0m image shop:v9 not found, hunter22',
    'behave.check': 'exit 1',
  })
  assert.deepEqual(await notified('told', 'GenericFailure'), {
    OCTOPOD_FAILURE_KIND: 'script',
    OCTOPOD_FAILURE_SCRIPT: 'create',
    OCTOPOD_FAILURE_EXIT_CODE: '3',
    OCTOPOD_FAILURE_MESSAGE: 'The create script failed with exit code 3.',
    OCTOPOD_FAILURE_HINT: 'Image shop:v9 was not found in the registry.',
    OCTOPOD_FAILURE_OUTPUT: 'Error: image shop:v9 not found, ***',
  })
  await octopod.update('told', { 'behave.check': 'fail-with 2 503 from /health' })
  assert.deepEqual(await notified('told', 'UpdatePending'), {})
  assert.equal((await octopod.api('POST', '/deployments/told/stop_waiting')).status, 200)
  await octopod.create('degraded')
  assert.deepEqual(await notified('degraded', 'Running'), {})
  await writeFile(`${system.dir}/check-degraded`, '2\n')
  const ofCheck = await notified('degraded', 'PartialAvailability')
  assert.equal(ofCheck.OCTOPOD_FAILURE_SCRIPT, 'check')
  assert.equal(ofCheck.OCTOPOD_FAILURE_EXIT_CODE, '2')
})
