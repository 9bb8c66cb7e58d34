/** The whole lifecycle of a deployment, and the arguments that each script gets. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const lifecycle = (name: string, application: string[]) => [
  ...['--project-name', 'octopod', '--base-domain', 'localhost', '--namespace', 'default', '--name', name],
  ...application.flatMap((pair) => ['--application-config', pair]),
  ...['--deployment-config', 'region=eu', '--deployment-config', 'db.password=hunter22'],
]

test('A deployment goes through its whole lifecycle, and each script gets exactly its arguments', async () => {
  const created = await octopod.create('life', { 'image.tag': 'v2', extra: 'a b' })
  assert.equal(created.status, 200)
  assert.equal(created.text, '{"tag":"Success"}')
  const running = await octopod.waitForStatus('life', 'Running')
  assert.deepEqual(running.metadata, [{ name: 'app', link: 'https://life.example.com' }])
  assert.equal(running.last_action?.state, 'succeeded')

  await octopod.update('life', { 'image.tag': 'v3' })
  await octopod.waitForStatus('life', 'Running')
  await octopod.archive('life')
  await octopod.waitForStatus('life', 'Archived')
  await octopod.restore('life')
  await octopod.waitForStatus('life', 'Running')
  await octopod.archive('life')
  await octopod.waitForStatus('life', 'Archived')

  const actions = await octopod.actions('life')
  assert.deepEqual(
    actions.map((action) => [action.action, action.state, action.exit_code]),
    ['ArchiveAction', 'RestoreAction', 'ArchiveAction', 'UpdateAction', 'CreateAction'].map((kind) => [
      kind,
      'succeeded',
      0,
    ]),
  )
  await octopod.cleanup('life')
  await octopod.waitUntilDeleted('life')

  const v2 = lifecycle('life', ['image.tag=v2', 'replicas=2', 'extra=a b'])
  const v3 = lifecycle('life', ['image.tag=v3', 'replicas=2'])
  for (const script of ['config_check', 'info', 'create']) {
    assert.deepEqual((await system.scriptCalls(script))[0], [script, ...v2])
  }
  for (const script of ['update', 'archive', 'unarchive', 'cleanup', 'archive_check']) {
    assert.deepEqual((await system.scriptCalls(script))[0], [script, ...v3])
  }
  assert.deepEqual((await system.scriptCalls('init')).length, 1)
  const project = ['--project-name', 'octopod', '--base-domain', 'localhost', '--namespace', 'default']
  assert.deepEqual(await system.scriptCalls('deployment_config'), [['deployment_config', ...project]])
  assert.deepEqual(await system.scriptCalls('application_config'), [
    [
      'application_config',
      ...project,
      '--deployment-config',
      'region=eu',
      '--deployment-config',
      'db.password=hunter22',
    ],
  ])
})

test('The notifications script is called for every status change', async () => {
  await octopod.create('notified')
  await octopod.waitForStatus('notified', 'Running')
  await octopod.archive('notified')
  await octopod.waitForStatus('notified', 'Archived')
  await waitFor('three notifications', async () => {
    const calls = (await system.scriptCalls('notifications')).filter((call) => call.includes('notified'))
    const transitions = calls.map((call) =>
      call
        .slice(-4)
        .filter((_, at) => at % 2 === 1)
        .join(' → '),
    )
    return {
      done:
        transitions.join() === 'CreatePending → Running,Running → ArchivePending,ArchivePending → Archived',
      value: transitions,
      seen: transitions,
    }
  })
})

test('The output is stored in chunks and as a whole, with secrets redacted', async () => {
  const reply = await octopod.create('output', { 'behave.create': 'print the password is hunter22' })
  const action = await octopod.waitForActionEnd(getActionId(reply))
  assert.equal(action.state, 'succeeded')
  const log = await octopod.api('GET', `/log/${action.action_id}`)
  assert.deepEqual(log.body, {
    stdout: { un_stdout: 'the password is ***\ncreate of output done\n' },
    stderr: { un_stderr: '' },
  })
  const page = (await octopod.api('GET', `/actions/${action.action_id}/output`)).body as {
    done: boolean
    chunks: { seq: number }[]
  }
  assert.equal(page.done, true)
  assert.deepEqual(
    page.chunks.map((chunk) => chunk.seq),
    page.chunks.map((_, at) => at + 1),
  )
})

test('Actor, source and reason of an action are recorded', async () => {
  const actorHeaders = {
    'Octopod-Actor': 'J%C3%BCrgen',
    'Octopod-Source': 'octo',
    'Octopod-Reason': 'release%20test',
  }
  const reply = await octopod.create('recorded', {}, actorHeaders)
  const action = await octopod.waitForActionEnd(getActionId(reply))
  assert.deepEqual(
    [action.actor, action.proof, action.claimed_actor, action.source, action.reason],
    ['admin', 'shared', 'Jürgen', 'octo', 'release test'],
  )
})
