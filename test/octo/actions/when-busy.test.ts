/** octo with a deployment that is busy: --when-busy, rollback and clone against a complete Octopod. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { runOcto, startOcto } from '../fake-server.ts'

let system: System
let client: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '1' } })
  client = createApiClient(system.url)
})
after(() => system.stop())

const environment = () => ({ OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: system.adminHeader })
const octo = (...args: string[]) => runOcto(environment(), ...args)

async function createBusy(name: string): Promise<number> {
  await client.create(name, { 'image.tag': 'v1' })
  await client.waitForStatus(name, 'Running')
  const actionId = getActionId(await client.update(name, { 'image.tag': 'v2', 'behave.update': 'hang' }))
  await waitFor('the update runs', async () => {
    const { last_action } = await client.fullInfo(name)
    return { done: last_action?.state === 'running', value: null, seen: last_action }
  })
  return actionId
}
const waits = (name: string) =>
  waitFor(`an action of ${name} waits`, async () => {
    const { waiting_action } = await client.fullInfo(name)
    return { done: waiting_action !== null, value: waiting_action, seen: waiting_action }
  })

test('update --when-busy wait says behind what it waits, and a newer one ends it with exit code 4', async () => {
  const running = await createBusy('second')
  const refused = await octo('update', 'second', '-e', 'image.tag=v3')
  assert.equal(refused.code, 5, refused.stderr)
  const older = startOcto(
    environment(),
    'update',
    'second',
    '-e',
    'image.tag=v3',
    '--when-busy',
    'wait',
    '--wait',
  )
  const waiting = await waits('second')
  const info = await octo('info', 'second')
  assert.match(info.stdout, new RegExp(`Waiting: update \\(action ${waiting?.action_id}\\) by admin`))
  const newer = await octo(
    'update',
    'second',
    '-e',
    'behave.update=print fixed',
    '--when-busy',
    'replace',
    '--wait',
  )
  assert.equal(newer.code, 0, newer.stderr)
  assert.match(newer.stderr, /octo: |second: Running/)
  const superseded = await older.ended
  assert.equal(superseded.code, 4, superseded.stderr)
  assert.match(superseded.stderr, new RegExp(`waits behind update \\(action ${running}\\)`))
  assert.match(superseded.stderr, /did not start\. Replaced by action \d+ of second\./)
  assert.equal((await client.waitForActionEnd(running)).state, 'cancelled')
})

test('A second update that waits says which one it replaces and which of its keys are not deployed', async () => {
  const running = await createBusy('merged')
  const waiting = (...args: string[]) => octo('update', 'merged', ...args, '--when-busy', 'wait')
  const first = await waiting('-e', 'image.tag=v3', '-e', 'left=secret-left', '-e', 'both=1')
  assert.deepEqual([first.code, /Replaces/.test(first.stderr)], [0, false], first.stderr)
  const { action_id } = (await client.fullInfo('merged')).waiting_action ?? {}
  const second = await waiting('-e', 'right=1', '-e', 'both=2')
  assert.equal(second.code, 0, second.stderr)
  assert.match(
    second.stderr,
    new RegExp(
      `Replaces update \\(action ${action_id}\\) by admin, which waited\\. Its changes of these keys are not in the new config: image\\.tag, left\\.`,
    ),
  )
  assert.doesNotMatch(second.stderr, /secret-left/)
  await client.api('POST', `/actions/${running}/cancel`)
})

test('create --or-update --when-busy wait waits too, and only with --or-update', async () => {
  const running = await createBusy('pushed')
  const alone = await octo('create', 'pushed', '--when-busy', 'wait')
  assert.deepEqual([alone.code, /needs --or-update/.test(alone.stderr)], [2, true])
  const wrong = await octo('archive', 'pushed', '--when-busy', 'later')
  assert.deepEqual([wrong.code, /takes fail, wait, replace/.test(wrong.stderr)], [2, true])
  const push = startOcto(
    environment(),
    ...[
      'create',
      'pushed',
      '--or-update',
      '--when-busy',
      'wait',
      '-e',
      'behave.update=print pushed',
      '--follow',
    ],
  )
  await waits('pushed')
  await client.api('POST', `/actions/${running}/cancel`)
  const { code, stderr } = await push.ended
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^pushed$/m)
})

test('rollback shows the differences and deploys the config before the last change', async () => {
  await client.create('back', { 'image.tag': 'v1' })
  await client.waitForStatus('back', 'Running')
  await client.update('back', { 'image.tag': 'v2', replicas: '5' })
  await client.waitForStatus('back', 'Running')
  const dry = await octo('rollback', 'back', '--dry-run')
  const expected = `- app image.tag=v2
+ app image.tag=v1
- app replicas=5
+ app replicas=2 (default)
`
  assert.deepEqual([dry.code, dry.stdout], [0, expected], dry.stderr)
  assert.match(dry.stderr, /^Back to the config of action \d+ \(create, succeeded, .+ by admin.*\)\.$/m)
  const done = await octo('rollback', 'back', '--wait')
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual((await client.fullInfo('back')).deployment.app_overrides, [
    ['image.tag', { tag: 'ValueAdded', contents: 'v1' }],
  ])
  const { last_action: rolledBack } = await client.fullInfo('back')
  const first = (await client.actions('back')).at(-1)?.action_id
  const same = await octo('rollback', 'back', '--to', String(first), '--wait', '-o', 'json')
  assert.equal(same.code, 0, same.stderr)
  assert.match(same.stderr, /no difference to the config of now; nothing was started\.$/m)
  assert.deepEqual([JSON.parse(same.stdout).state, JSON.parse(same.stdout).action_id], ['unchanged', null])
  assert.equal((await client.fullInfo('back')).last_action?.action_id, rolledBack?.action_id)
  await client.create('other')
  await client.waitForStatus('other', 'Running')
  const other = (await client.fullInfo('other')).last_action?.action_id
  const foreign = await octo('rollback', 'back', '--to', String(other))
  assert.equal(foreign.code, 5)
  assert.match(foreign.stderr, /is of deployment other, not of back/)
  const nothing = await octo('rollback', 'other')
  assert.match(nothing.stderr, /No successful action of other had another config than now/)
})

test('clone creates a deployment with the same config', async () => {
  await client.create('original', { 'image.tag': 'v7' })
  await octo('label', 'original', 'team=shop', '--title', 'First try')
  assert.match((await octo('clone', 'original', 'Copy_2')).stderr, /Try copy-2\./)
  const cloned = await octo('clone', 'original', 'copy', '--wait', '-o', 'json')
  assert.equal(cloned.code, 0, cloned.stderr)
  assert.equal(JSON.parse(cloned.stdout).action, 'create')
  assert.deepEqual((await client.fullInfo('copy')).deployment.app_overrides, [
    ['image.tag', { tag: 'ValueAdded', contents: 'v7' }],
  ])
  const { labels, title } = await client.fullInfo('copy')
  assert.deepEqual([labels, title], [{ team: 'shop' }, 'First try'])
  assert.equal((await octo('clone', 'original', 'copy')).code, 5)
})
