/** Nobody without the right see_secrets reads the values of secret keys anywhere, and everybody can send back what was read. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type Override, valueAdded } from '../../../domain/overrides.ts'
import type { FullInfoWithCheck } from '../../../domain/schemas.ts'
import { isSecretReference } from '../../../domain/secrets/secret-reference.ts'
import { type ApiClient, createApiClient, getActionId, overrides } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { withDatabase } from '../../helpers/with-database.ts'

const userHeader = 'Bearer the-users-without-secrets'
/** No answer, event or log may contain it, in capital letters or in small ones. */
const secret = 'TOPSECRET-4711'
const leak = /topsecret/i

let system: System
let admin: ApiClient
let developer: ApiClient
/** Every answer that the developer gets. */
const seen: string[] = []

before(async () => {
  system = await startSystem({
    env: {
      APP_AUTHORIZATION_HEADER: userHeader,
      ANONYMOUS_ROLE: 'viewer',
      LOG_LEVEL: 'trace',
      CHECK_INTERVAL: '1',
      METRICS_PORT: '0',
    },
  })
  admin = createApiClient(system.url)
  const client = createApiClient(system.url, userHeader)
  developer = {
    ...client,
    api: async (...request) => {
      const answer = await client.api(...request)
      seen.push(`${request[0]} ${request[1]}: ${answer.text}`)
      return answer
    },
  }
})
after(() => system?.stop())

const isHidden = (found: Override[], key: string) => {
  const value = new Map(found).get(key)
  return value?.tag === 'ValueAdded' && isSecretReference(value.contents)
}
const config = (app: Override[], deployment: Override[] = []) => ({
  app_overrides: app,
  deployment_overrides: deployment,
})
async function create(name: string, app: Record<string, string>, deployment: Record<string, string> = {}) {
  const body = { name, ...config(overrides(app), overrides(deployment)) }
  const created = await admin.api('POST', '/deployments', body)
  assert.equal(created.status, 200, created.text)
  await admin.waitForStatus(name, 'Running')
}
const read = async (client: ApiClient, name: string) =>
  (await client.api('GET', `/deployments/${name}/full_info`)).body as FullInfoWithCheck

test('Nothing that a developer reads has the value of a secret key', async () => {
  const socket = await connectWebSocket(system.url, [
    'octopod.v2',
    `auth.${Buffer.from(userHeader).toString('base64url')}`,
  ])
  await system.setBehavior('info', `print app,https://shop.example/?key=${secret}`)
  await create(
    'shop',
    {
      'db.password': secret,
      'db.url': `postgres://app:${secret}@db/app`,
      'image.tag': 'v1',
    },
    { 'region.token': secret },
  )
  const full = await read(developer, 'shop')
  assert.ok(isHidden(full.deployment.app_overrides, 'db.password'))
  assert.ok(isHidden(full.deployment.app_overrides, 'db.url'))
  assert.ok(isHidden(full.deployment.deployment_overrides, 'region.token'))
  assert.deepEqual(new Map(full.deployment.app_overrides).get('image.tag'), {
    tag: 'ValueAdded',
    contents: 'v1',
  })
  assert.deepEqual(full.metadata, [{ name: 'app', link: 'https://shop.example/?key=***' }])
  const { api } = developer
  const list = (await api('GET', '/deployments')).body as FullInfoWithCheck[]
  assert.ok(isHidden(list[0]?.deployment.app_overrides ?? [], 'db.password'))
  const actionId = full.last_action?.action_id
  for (const path of [
    '/deployments/shop/info',
    '/deployments/shop/actions',
    `/actions/${actionId}`,
    `/actions/${actionId}/output`,
    `/log/${actionId}`,
    '/deployment_names',
    '/deployment_overrides',
  ])
    assert.equal((await api('GET', path)).status, 200, path)

  await system.setBehavior('config_check', `reject ${secret} is wrong`)
  const sent = await api('PUT', '/deployments/shop', config(full.deployment.app_overrides))
  assert.deepEqual([sent.status, sent.text], [400, '*** is wrong\n'])
  await system.setBehavior('config_check', '')

  // What admins get is unchanged.
  const whole = await read(admin, 'shop')
  assert.equal(
    JSON.stringify(whole.deployment.app_overrides),
    JSON.stringify(
      overrides({
        'db.password': secret,
        'db.url': `postgres://app:${secret}@db/app`,
        'image.tag': 'v1',
      }),
    ),
  )
  assert.match(JSON.stringify((await admin.api('GET', '/deployments')).body), leak)

  await socket.until('the events have arrived', (messages) =>
    messages.some(
      (message) =>
        message.type === 'event' &&
        message.event.type === 'deployment' &&
        message.event.deployment.status.recorded_status.tag === 'Running',
    ),
  )
  socket.close()
  const event = socket.events().find(({ type }) => type === 'deployment')
  assert.ok(
    event?.type === 'deployment' && isHidden(event.deployment.deployment.app_overrides, 'db.password'),
  )
  assert.doesNotMatch(JSON.stringify(socket.messages), leak)
  const metrics = await fetch(`http://127.0.0.1:${system.server.ready.metricsPort}/metrics`)
  assert.doesNotMatch(await metrics.text(), leak)
  assert.doesNotMatch([...system.server.lines, ...system.runner.lines].join('\n'), leak)
  assert.doesNotMatch(seen.join('\n'), leak)
  await system.setBehavior('info', '')
})

test('A link hides secrets of the defaults too, which only the runner knows', async () => {
  await system.setBehavior('info', 'print app,https://links.example/?key=hunter22&tag=v1')
  await create('links', {})
  await system.setBehavior('info', '')
  const link = 'https://links.example/?key=hunter22&tag=v1'
  const masked = 'https://links.example/?key=***&tag=v1'
  assert.deepEqual((await read(developer, 'links')).metadata, [{ name: 'app', link: masked }])
  assert.deepEqual((await read(admin, 'links')).metadata, [{ name: 'app', link, masked_link: masked }])
})

test('A PUT of what was read changes nothing, and the scripts get the values', async () => {
  await create('same', { 'db.password': secret, 'image.tag': 'v1' }, { 'region.token': secret })
  const { deployment } = await read(developer, 'same')
  const { app_overrides, deployment_overrides } = deployment
  const sent = await developer.api('PUT', '/deployments/same', config(app_overrides, deployment_overrides))
  assert.equal(sent.status, 200, sent.text)
  await admin.waitForActionEnd(getActionId(sent))
  const after = (await read(admin, 'same')).deployment
  assert.deepEqual(after.app_overrides, overrides({ 'db.password': secret, 'image.tag': 'v1' }))
  assert.deepEqual(after.deployment_overrides, overrides({ 'region.token': secret }))
  assert.deepEqual((await read(developer, 'same')).deployment, deployment)
  for (const script of ['config_check', 'update'] as const) {
    const call = (await system.scriptCalls(script)).at(-1)
    assert.ok(call?.includes(`db.password=${secret}`), script)
    assert.ok(call?.includes(`region.token=${secret}`), script)
  }
})

test('A reference keeps the value of now, also when the value changes while config_check runs', async () => {
  await create('race', { 'db.password': 'first-value', 'image.tag': 'v1' })
  const before = (await read(developer, 'race')).deployment.app_overrides
  // The scripts of both requests run at the same time; the developer's one ends last.
  const slow = [...before, valueAdded('behave.config_check', `wait ${system.dir}/go`)]
  const late = developer.api('PUT', '/deployments/race', config(slow))
  const isChecking = async () => {
    const calls = await system.scriptCalls('config_check')
    const done = calls.some((call) =>
      call.some((argument) => argument.startsWith('behave.config_check=wait')),
    )
    return { done, value: null }
  }
  await waitFor('config_check of the developer runs', isChecking)
  await admin.update('race', { 'db.password': 'second-value', 'image.tag': 'v2' })
  await admin.waitForStatus('race', 'Running')
  await writeFile(`${system.dir}/go`, '')
  const answer = await late
  assert.equal(answer.status, 200, answer.text)
  await admin.waitForActionEnd(getActionId(answer))
  const checks = (await system.scriptCalls('config_check')).map((call) =>
    call.find((argument) => argument.startsWith('db.password=')),
  )
  assert.equal(checks.at(-1), 'db.password=second-value')
  const now = new Map((await read(admin, 'race')).deployment.app_overrides)
  assert.deepEqual(now.get('db.password'), { tag: 'ValueAdded', contents: 'second-value' })
  assert.deepEqual(now.get('image.tag'), { tag: 'ValueAdded', contents: 'v1' })
})

test('A reference that does not fit is 400 and names the key', async () => {
  await create('one', { 'db.password': secret })
  await create('two', { 'db.password': 'another-value', 'db.token': 'something' })
  const reference = (await read(developer, 'one')).deployment.app_overrides[0]?.[1]
  assert.ok(reference?.tag === 'ValueAdded')
  const refused = async (name: string, key: string, level: 'app' | 'deployment' = 'app') => {
    const sent = [valueAdded(key, reference.contents)]
    const body = level === 'app' ? config(sent) : config([], sent)
    const answer = await developer.api('PUT', `/deployments/${name}`, body)
    assert.equal(answer.status, 400, answer.text)
    assert.match(answer.text, new RegExp(`"[^"]*${key.replace('.', '\\.')}: the value is a reference`))
  }
  await refused('one', 'greeting')
  await refused('one', 'db.token')
  await refused('one', 'db.password', 'deployment')
  await refused('two', 'db.password')
  const clone = { name: 'three', ...config([valueAdded('db.password', reference.contents)]) }
  const created = await developer.api('POST', '/deployments', clone)
  assert.equal(created.status, 400)
  assert.match(created.text, /db\.password: .* not copied/)
  const query = await developer.api('POST', '/application_overrides', [['db.password', reference.contents]])
  assert.equal(query.status, 400, query.text)

  await admin.archive('one')
  await admin.waitForStatus('one', 'Archived')
  await admin.cleanup('one')
  await admin.waitUntilDeleted('one')
  await create('one', { 'db.password': 'of-the-new-one' })
  await refused('one', 'db.password')
})

test('Queries for defaults take references, and hide what the scripts print of them', async () => {
  const defaults = (await developer.api('GET', '/deployment_overrides')).body as [string, string][]
  assert.ok(isSecretReference(new Map(defaults).get('db.password') ?? ''))
  assert.equal(new Map(defaults).get('region'), 'eu')
  assert.equal(
    new Map((await admin.api('GET', '/deployment_overrides')).body as [string, string][]).get('db.password'),
    'hunter22',
  )
  await system.setBehavior('application_config', `print image.tag,v1-${secret}-of-query`)
  await create('query', {}, { 'region.token': `${secret}-of-query` })
  const [token] = (await read(developer, 'query')).deployment.deployment_overrides
  assert.ok(token?.[1].tag === 'ValueAdded')
  const body = [...defaults, ['region.token', token[1].contents]]
  const answer = await developer.api('POST', '/application_overrides', body)
  assert.equal(answer.status, 200, answer.text)
  assert.ok(isSecretReference(new Map(answer.body as [string, string][]).get('image.tag') ?? ''))
  const call = (await system.scriptCalls('application_config')).at(-1)
  assert.deepEqual(
    call?.filter((argument) => argument.includes('=')),
    ['region=eu', 'db.password=hunter22', `region.token=${secret}-of-query`],
  )
  assert.equal((await developer.api('POST', '/application_override_keys', body)).status, 200)

  // A default sent as an override stays a default.
  const sent = await developer.api('PUT', '/deployments/query', {
    app_overrides: [],
    deployment_overrides: defaults.map(([key, value]) => valueAdded(key, value)),
  })
  assert.equal(sent.status, 200, sent.text)
  await admin.waitForStatus('query', 'Running')
  assert.deepEqual((await read(admin, 'query')).deployment.deployment_overrides, overrides({ region: 'eu' }))
  assert.doesNotMatch(seen.join('\n'), leak)
})

test('A query of a viewer has none of the values, so it cannot test a guess', async () => {
  const viewer = createApiClient(system.url, null)
  await create('guess', {}, { 'region.token': secret })
  const [token] = (await read(viewer, 'guess')).deployment.deployment_overrides
  assert.ok(token?.[1].tag === 'ValueAdded' && isSecretReference(token[1].contents))
  const defaults = (await viewer.api('GET', '/deployment_overrides')).body as [string, string][]
  for (const path of ['/application_overrides', '/application_override_keys']) {
    const body = [...defaults, ['region.token', token[1].contents], ['of', path]]
    const answer = await viewer.api('POST', path, body)
    assert.equal(answer.status, 200, answer.text)
    const script = path === '/application_overrides' ? 'application_config' : 'application_config_keys'
    const call = (await system.scriptCalls(script)).at(-1)
    assert.deepEqual(
      call?.filter((argument) => argument.includes('=')),
      ['region=eu', `of=${path}`],
    )
  }
})

test('The message of a config script that fails for a status hides values', async () => {
  await create('checked', { 'db.password': secret }, { 'region.token': 'token-4712' })
  // The runner has no answer of the script for this config.
  await withDatabase(system.databaseUrl, (client) =>
    client.query(
      `update deployments set deployment_overrides = replace(deployment_overrides::text, '4712', '4713')::jsonb where name = 'checked'`,
    ),
  )
  await system.setBehavior('application_config', `fail ${secret} and token-4713`)
  const ofDeveloper = await developer.api('GET', '/deployments/checked/status')
  const ofAdmin = await admin.api('GET', '/deployments/checked/status')
  await system.setBehavior('application_config', '')
  assert.equal(ofDeveloper.status, 502, ofDeveloper.text)
  assert.match(ofDeveloper.text, /\*\*\* and \*\*\*/)
  assert.match(ofAdmin.text, /TOPSECRET-4711/)
})

test('Lists of callers with and without the right have their own ETag and view', async () => {
  const ofAdmin = await admin.api('GET', '/deployments')
  const ofDeveloper = await developer.api('GET', '/deployments')
  assert.notEqual(ofAdmin.headers.get('etag'), ofDeveloper.headers.get('etag'))
  assert.notEqual(ofAdmin.headers.get('octopod-view'), ofDeveloper.headers.get('octopod-view'))
  const tag = { 'If-None-Match': ofAdmin.headers.get('etag') ?? '' }
  assert.equal((await developer.api('GET', '/deployments', undefined, tag)).status, 200)
  assert.equal((await admin.api('GET', '/deployments', undefined, tag)).status, 304)
})
