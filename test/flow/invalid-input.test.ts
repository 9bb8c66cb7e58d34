/** Invalid requests are rejected with a message that names the problem, and unusual valid values reach the scripts. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(async () => {
  assert.equal((await octopod.call('GET', '/healthz')).status, 200, 'the server is still up')
  assert.ok(system.runner.isRunning(), 'the runner is still up')
  await system.stop()
})

const body = (changes: object) => ({ name: 'bad', app_overrides: [], deployment_overrides: [], ...changes })
const set = (key: string, contents: unknown = 'x') => [[key, { tag: 'ValueAdded', contents }]]

const invalidBodies: [title: string, body: unknown, status: number, message: RegExp][] = [
  ['wrong JSON', '{"name":', 400, /not JSON/],
  ['no body', '', 400, /not JSON/],
  ['a list', [], 400, /expected object/],
  ['null', 'null', 400, /expected object/],
  ['a missing field', { name: 'bad', app_overrides: [] }, 400, /deployment_overrides/],
  ['an unknown field', body({ colour: 'red' }), 400, /colour/],
  ['a number as name', body({ name: 7 }), 400, /name/],
  ['a name too long', body({ name: 'a'.repeat(17) }), 400, /too long \(17/],
  ['a name of a megabyte', body({ name: 'a'.repeat(900_000) }), 400, /too long/],
  ['a name too short', body({ name: 'a' }), 400, /too short/],
  ['a name with capitals', body({ name: 'Abc' }), 400, /begin with a lower-case letter a-z/],
  ['a name with a dot', body({ name: 'a.b' }), 400, /only a-z, 0-9 and -/],
  ['a name with a newline', body({ name: 'abc\n' }), 400, /only a-z/],
  ['a key with a space', body({ app_overrides: set('a b') }), 400, /white space/],
  ['a key with a C1 code', body({ app_overrides: set('a\u009bb') }), 400, /"a\\\\u009bb\\" contains/],
  [
    'a key with an override of the direction',
    body({ app_overrides: set('a\u202eb') }),
    400,
    /overrides the direction/,
  ],
  ['a name with an override of the direction', body({ name: 'ab\u202e' }), 400, /ab\\\\u202e/],
  ['a key with =', body({ app_overrides: set('a=b') }), 400, /contains \\"=\\"/],
  ['a key like an option', body({ deployment_overrides: set('--name') }), 400, /begins with/],
  ['an empty key', body({ app_overrides: set(' . ') }), 400, /empty/],
  ['a key twice', body({ app_overrides: [...set('a'), ...set(' a ')] }), 400, /given twice/],
  ['a number as value', body({ app_overrides: set('a', 5) }), 400, /app_overrides.0.1/],
  ['a NUL in a value', body({ app_overrides: set('a', 'x\0y') }), 400, /NUL/],
  ['a huge value', body({ app_overrides: set('a', 'x'.repeat(200_000)) }), 400, /at most 102400/],
  ['an unknown tag', body({ app_overrides: [['a', { tag: 'ValueChanged' }]] }), 400, /app_overrides/],
  [
    '10,000 overrides',
    body({ app_overrides: Array.from({ length: 10_000 }, (_, at) => set(`k${at}`)[0]) }),
    400,
    /At most 2000/,
  ],
  ['10 MiB', body({ app_overrides: set('a', 'x'.repeat(10 * 1024 * 1024)) }), 413, /larger than/],
]

for (const [title, sent, status, message] of invalidBodies) {
  test(`${title} is rejected with a message`, async () => {
    const reply = await octopod.api('POST', '/deployments', sent)
    assert.equal(reply.status, status, reply.text.slice(0, 300))
    assert.match(reply.text, message)
    assert.ok(reply.text.length < 2000, 'the message is short')
  })
}

test('Keys, names and reasons with hidden characters are refused', async () => {
  for (const hidden of ['\u0085', '\u009b', '\u202e', '\u2066']) {
    const key = await octopod.create('bad', { [`a${hidden}b`]: 'x' })
    const name = await octopod.create(`ab${hidden}`)
    const reason = await octopod.create('bad', {}, { 'Octopod-Reason': encodeURIComponent(hidden) })
    const actor = await octopod.create('bad', {}, { 'Octopod-Actor': encodeURIComponent(hidden) })
    for (const reply of [key, name, reason, actor]) {
      assert.equal(reply.status, 400, reply.text)
      assert.ok(!reply.text.includes(hidden))
    }
  }
})

test('Rejected requests leave nothing behind', async () => {
  assert.deepEqual((await octopod.api('GET', '/deployments')).body, [])
})

test('A body without a JSON content type is 415', async () => {
  const reply = await octopod.api('POST', '/deployments', '{}', { 'Content-Type': 'text/plain' })
  assert.equal(reply.status, 415)
})

test('Invalid ids, query parameters and idempotency keys are 400', async () => {
  for (const path of [
    '/actions/abc',
    '/actions/1e3',
    '/actions/99999999999999999999',
    '/log/x',
    '/actions/1/output?after=-1',
    '/actions/1/output?unknown=1',
  ]) {
    assert.equal((await octopod.api('GET', path)).status, 400, path)
  }
  assert.equal((await octopod.create('keyed', {}, { 'Idempotency-Key': 'x'.repeat(300) })).status, 400)
})

test('Names that no deployment can have are 404', async () => {
  for (const name of ['a%00b', '%ff', '..%2F..', 'A'.repeat(5000)])
    for (const rest of ['/full_info', '/info', '/actions']) {
      const reply = await octopod.api('GET', `/deployments/${name}${rest}`)
      assert.equal(reply.status, 404, `${name.slice(0, 20)}${rest}: ${reply.text.slice(0, 200)}`)
    }
  assert.equal((await octopod.api('DELETE', '/deployments/a%00b')).status, 404)
})

test('Values with newlines, quotes, braces and leading dashes reach the scripts unchanged', async () => {
  const values = { dash: '--name=evil', quote: `'"\`$(id)`, braces: '{a,b}', unicode: 'ü → 🐙', empty: '' }
  assert.equal((await octopod.create('odd', values)).status, 200)
  await octopod.waitForStatus('odd', 'Running')
  const call = (await system.scriptCalls('create')).find((args) => args.includes('odd'))
  for (const [key, value] of Object.entries(values)) assert.ok(call?.includes(`${key}=${value}`), key)
  assert.equal((await octopod.update('odd', { lines: 'one\ntwo' })).status, 200)
  await octopod.waitForStatus('odd', 'Running')
})

test('A config rejected by config_check is 400 with the output of the script as plain text, and nothing is created', async () => {
  const reply = await octopod.create('refused', {
    'behave.config_check': 'reject There is no image of tag v9; choose v1 or v2.',
  })
  assert.equal(reply.status, 400)
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(reply.text, 'There is no image of tag v9; choose v1 or v2.\n')
  assert.equal((await octopod.api('GET', '/deployments/refused/full_info')).status, 404)
})

test('Links that are not web addresses are left out, and the output says so', async () => {
  const reply = await octopod.create('links', { 'behave.info': 'print evil,javascript:alert(1)' })
  const actionId = Number(reply.headers.get('octopod-action-id'))
  await octopod.waitForActionEnd(actionId)
  assert.deepEqual((await octopod.fullInfo('links')).metadata, [])
  assert.match((await octopod.api('GET', `/log/${actionId}`)).text, /javascript/)
})

test('An info script that fails or prints invalid output does not fail the action', async () => {
  for (const [name, how] of [
    ['info-1', 'print one,two,three'],
    ['info-2', 'fail no links today'],
    ['info-3', 'exit 7'],
  ] as const) {
    const reply = await octopod.create(name, { 'behave.info': how })
    const action = await octopod.waitForActionEnd(Number(reply.headers.get('octopod-action-id')))
    assert.equal(action.state, 'succeeded')
    assert.match((await octopod.api('GET', `/log/${action.action_id}`)).text, /octopod: .*info script/)
  }
})
