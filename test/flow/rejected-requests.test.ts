/** Requests that are rejected because of status, role, origin, path or a running action. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ActionKind, actionKinds, canStart } from '../../domain/actions.ts'
import { statuses } from '../../domain/statuses.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  // A check would change the statuses that the tests set.
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const send: Record<
  Exclude<ActionKind, 'create'>,
  (name: string) => Promise<{ status: number; body: unknown }>
> = {
  update: (name) => octopod.update(name),
  archive: (name) => octopod.archive(name),
  restore: (name) => octopod.restore(name),
  cleanup: (name) => octopod.cleanup(name),
}

test('From each status each action is accepted or rejected as the actions table says', async () => {
  for (const kind of actionKinds) {
    if (kind === 'create') continue
    for (const [at, status] of statuses.entries()) {
      const name = `${kind}-${at}`
      await withDatabase(system.databaseUrl, async (db) => {
        await db.query('begin')
        await db.query(
          `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, $2, '[]', '[]', '[]')`,
          [name, status],
        )
        await db.query(`update deployment_checks set next_check_at = now() + interval '1 hour'`)
        await db.query('commit')
      })
      const { status: code, body } = await send[kind](name)
      if (canStart(kind, status)) {
        assert.equal(code, 200, `${kind} from ${status}`)
      } else {
        assert.equal(code, 409, `${kind} from ${status}`)
        const { tag, error_message } = body as { tag: string; error_message: string }
        assert.equal(tag, 'AppError')
        assert.match(error_message, new RegExp(`${name} is ${status}: ${kind} needs it to be `))
      }
    }
  }
})

test('While an action runs every other one is rejected and leaves nothing behind', async () => {
  await octopod.create('busy', { 'behave.create': 'hang' })
  for (const kind of ['update', 'archive', 'restore', 'cleanup'] as const) {
    const { status, body } = await send[kind]('busy')
    assert.equal(status, 409)
    assert.deepEqual(body, {
      tag: 'AppError',
      error_message: 'Deployment busy is currently being processed.',
      code: 'busy',
    })
  }
  assert.equal((await octopod.api('DELETE', '/deployments/busy/delete')).status, 409)
  const actions = await octopod.actions('busy')
  assert.equal(actions.length, 1)
  const info = await octopod.fullInfo('busy')
  assert.deepEqual(info.deployment.app_overrides, [
    ['behave.create', { tag: 'ValueAdded', contents: 'hang' }],
  ])
  assert.equal(info.status.tag, 'DeploymentPending')
  await octopod.api('POST', `/actions/${actions[0]?.action_id}/cancel`)
})

test('One of twenty concurrent requests for one deployment is accepted', async () => {
  await octopod.create('race')
  await octopod.waitForStatus('race', 'Running')
  await system.setBehavior('archive', 'wait /nonexistent')
  const replies = await Promise.all(Array.from({ length: 20 }, () => octopod.archive('race')))
  assert.equal(replies.filter((reply) => reply.status === 200).length, 1)
  assert.equal(replies.filter((reply) => reply.status === 409).length, 19)
  const created = await Promise.all(Array.from({ length: 20 }, () => octopod.create('race-2')))
  assert.equal(created.filter((reply) => reply.status === 200).length, 1)
  assert.deepEqual(created.find((reply) => reply.status === 400)?.body, {
    tag: 'ValidationError',
    name_field: ['Deployment race-2 already exists.'],
    code: 'name_taken',
  })
  const [action] = await octopod.actions('race')
  await octopod.api('POST', `/actions/${action?.action_id}/cancel`)
})

test('An unknown deployment, action or path is 404, a wrong method 405', async () => {
  for (const [method, path, body] of [
    ['GET', '/deployments/unknown/full_info'],
    ['GET', '/deployments/unknown/info'],
    ['GET', '/deployments/unknown/status'],
    ['GET', '/deployments/unknown/actions'],
    ['PUT', '/deployments/unknown', { app_overrides: [], deployment_overrides: [] }],
    ['DELETE', '/deployments/unknown'],
    ['PATCH', '/deployments/unknown/restore'],
    ['DELETE', '/deployments/unknown/cleanup'],
    ['DELETE', '/deployments/unknown/delete'],
  ] as const) {
    const reply = await octopod.api(method, path, body)
    assert.equal(reply.status, 404, `${method} ${path}`)
    assert.deepEqual(reply.body, {
      tag: 'ValidationError',
      name_field: ['There is no deployment unknown.'],
      code: 'no_such_deployment',
    })
  }
  for (const path of ['/actions/999', '/actions/999/output', '/actions/999/output/stream', '/log/999']) {
    assert.equal((await octopod.api('GET', path)).status, 404, path)
  }
  assert.equal((await octopod.api('GET', '/nothing')).status, 404)
  const wrong = await octopod.api('POST', '/deployments/x')
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'PUT, DELETE'])
  assert.equal((await octopod.api('PATCH', '/ping')).headers.get('allow'), 'GET, HEAD')
  const long = await octopod.api('GET', `/deployments/${'a'.repeat(9000)}/full_info`)
  assert.equal(long.status, 404)
  assert.ok(long.text.length < 300, 'the long name is not repeated in the message')
})

test('Admin endpoints without the admin credential are rejected with a message', async () => {
  const anonymous = createApiClient(system.url, null)
  const wrong = createApiClient(system.url, 'Bearer wrong')
  for (const [method, path] of [
    ['DELETE', '/deployments/x/cleanup'],
    ['DELETE', '/deployments/x/delete'],
  ] as const) {
    assert.equal((await anonymous.api(method, path)).status, 401)
    const refused = await wrong.api(method, path)
    assert.equal(refused.status, 401)
    assert.match(refused.text, /The role (operator or )?admin may /)
  }
  assert.equal((await anonymous.api('GET', '/deployments')).status, 200)

  const closed = createApiClient(
    (await system.startServer({ APP_AUTHORIZATION_HEADER: 'Basic cGFnZTpwYWdl' })).url,
    null,
  )
  assert.equal((await closed.api('GET', '/deployments')).status, 401)
  assert.equal((await closed.api('GET', '/ping')).status, 200)
  const user = { Authorization: 'Basic cGFnZTpwYWdl' }
  assert.equal((await closed.api('GET', '/deployments', undefined, user)).status, 200)
  assert.equal((await closed.api('DELETE', '/deployments/x/cleanup', undefined, user)).status, 403)
})

test('Another site cannot act through a browser', async () => {
  const evil = await octopod.create('evil', {}, { Origin: 'https://evil.example.com' })
  assert.equal(evil.status, 403)
  assert.equal((await octopod.create('fine', {}, { Origin: system.url })).status, 200)
})
