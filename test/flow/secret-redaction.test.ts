/** Messages that every user may read contain no secret config values, whichever script prints them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
let redis: TcpProxy
// The value of db.password in the default deployment config of the tests.
const secret = 'hunter22'

before(async () => {
  redis = await startTcpProxy(process.env.TEST_REDIS_URL ?? '')
  system = await startSystem({ env: { CHECK_INTERVAL: '1', REDIS_URL: redis.url } })
  octopod = createApiClient(system.url)
})
after(async () => {
  redis?.thaw()
  await system?.stop()
  await redis?.close()
})

test('The error of a failing check is redacted', async () => {
  await octopod.create('leaky', { 'behave.check': `fail cannot log in with ${secret}` })
  const { last_check } = await waitFor('the check has failed', async () => {
    const info = await octopod.fullInfo('leaky')
    return { done: info.last_check?.error !== null && info.last_check !== null, value: info }
  })
  assert.match(last_check?.failure?.output ?? '', /cannot log in with \*\*\*/)
})

test('The message of config_check is redacted, with and without Redis', async () => {
  const config = { 'behave.config_check': `reject ${secret} is too short` }
  const refused = await octopod.create('refused', config)
  assert.deepEqual([refused.status, refused.text], [400, '*** is too short\n'])
  redis.freeze()
  const action = await octopod.waitForActionEnd(getActionId(await octopod.create('refused', config)))
  redis.resetConnections()
  redis.thaw()
  assert.deepEqual([action.state, action.failure?.output], ['failed', '*** is too short'])
})

test('The error of a failing config script is redacted', async () => {
  await system.setBehavior('application_config', `fail ${secret} is wrong`)
  const config = [
    ['region', 'unseen'],
    ['db.password', secret],
  ]
  const reply = await waitFor('Redis is back', async () => {
    const answer = await octopod.api('POST', '/application_overrides', config)
    return { done: answer.status === 502, value: answer, seen: answer.text }
  })
  assert.match(reply.text, /\*\*\* is wrong/)
  assert.ok(!reply.text.includes(secret))
})

test('Output shows a secret neither over several lines nor in base64 nor with URL encoding', async () => {
  const forms = ['hunt\\n  er22', 'aHVudGVyMjI=', 'dXNlcjpodW50ZXIyMg==', '%68unter22', 'hunter22']
  const action = await octopod.waitForActionEnd(
    getActionId(await octopod.create('forms', { 'behave.create': `fail-with 1 true ${forms.join(', ')}` })),
  )
  const { body } = await octopod.api('GET', `/log/${action.action_id}`)
  const { stderr } = body as { stderr: { un_stderr: string } }
  assert.equal(stderr.un_stderr, 'true ***, ***, dXNlcjp***, ***, ***\n')
})

test('Booleans and short values stay readable in output, whatever their keys', async () => {
  const config = { 'auth.enabled': 'true', 'token.ttl': '86400', 'behave.create': 'print true for 86400 s' }
  const action = await octopod.waitForActionEnd(getActionId(await octopod.create('readable', config)))
  const { body } = await octopod.api('GET', `/log/${action.action_id}`)
  const { stdout } = body as { stdout: { un_stdout: string } }
  assert.equal(stdout.un_stdout, 'true for 86400 s\ncreate of readable done\n')
})
