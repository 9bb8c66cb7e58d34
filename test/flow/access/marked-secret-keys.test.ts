/** A keys script marks keys as secret, with a manifest that says so: `KEY,secret`. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isHiddenOverride } from '../../../domain/secrets/secret-reference.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const configurable = fileURLToPath(new URL('../../scripts/configurable', import.meta.url))
let folder: string
let system: System
let admin: ApiClient
let developer: ApiClient

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-marks-'))
  await cp(configurable, folder, { recursive: true })
  await writeFile(join(folder, 'octopod.yaml'), 'version: 1\nsecret_keys: true\n')
  system = await startSystem({ scripts: folder, runner: false })
  admin = createApiClient(system.url)
  developer = createApiClient(system.url, null)
})
after(async () => {
  await system?.stop()
  await rm(folder, { recursive: true, force: true })
})

const hidden = async (key: string) => {
  const { app_overrides } = (await developer.fullInfo('shop')).deployment
  const ofList = (await developer.api('GET', '/deployments')).body as Awaited<
    ReturnType<ApiClient['fullInfo']>
  >[]
  return [app_overrides, ofList[0]?.deployment.app_overrides ?? []].map((found) =>
    isHiddenOverride(new Map(found).get(key)),
  )
}

test('A marked key is secret from the start of a runner on, in lists, answers and output', async () => {
  await system.setBehavior('application_config_keys', 'print door.pin,secret')
  await system.startRunner()
  await admin.create('shop', {
    'door.pin': 'one-two-three',
    'window.pin': 'four-five-six',
    'behave.create': 'print the pins are one-two-three and four-five-six',
  })
  await waitFor('the server knows the mark', async () => {
    const done = (await hidden('door.pin')).every(Boolean)
    return { done, value: null }
  })
  assert.deepEqual(await hidden('window.pin'), [false, false])
  await admin.waitForStatus('shop', 'Running')
  const [action] = await admin.actions('shop')
  const { body } = await admin.api('GET', `/log/${action?.action_id}`)
  assert.match(JSON.stringify(body), /the pins are \*\*\* and four-five-six/)
})

test('The keys are answered without their marks, and a mark stays', async () => {
  const keys = await developer.api('POST', '/application_override_keys', [['region', 'new']])
  assert.deepEqual(keys.body, ['door.pin'])
  await system.setBehavior('application_config_keys', 'print window.pin , secret')
  const others = await developer.api('POST', '/application_override_keys', [['region', 'other']])
  assert.deepEqual(others.body, ['window.pin'])
  await waitFor('the server knows both marks', async () => {
    const done = [...(await hidden('door.pin')), ...(await hidden('window.pin'))].every(Boolean)
    return { done, value: null }
  })
  const sent = await developer.api('PUT', '/deployments/shop', {
    ...(await developer.fullInfo('shop')).deployment,
    name: undefined,
  })
  assert.equal(sent.status, 200, sent.text)
  await admin.waitForActionEnd(getActionId(sent))
  const { app_overrides } = (await admin.fullInfo('shop')).deployment
  assert.deepEqual(new Map(app_overrides).get('door.pin'), { tag: 'ValueAdded', contents: 'one-two-three' })
})
