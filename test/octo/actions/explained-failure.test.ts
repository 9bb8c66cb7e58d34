/** octo against a complete Octopod: everyone who may read output learns why a script or a check failed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { runOcto } from '../fake-server.ts'

const userHeader = 'Bearer the-users'
const words = 'Error: image shop:v9 not found'
const printed = `\u001b[31mError:\u001b[0m image shop:v9 not found`
const controlCode = /\p{Cc}/u

let system: System
before(async () => {
  system = await startSystem({ env: { APP_AUTHORIZATION_HEADER: userHeader } })
})
after(() => system.stop())

const runAs = (authorization: string, ...args: string[]) =>
  runOcto({ OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: authorization }, ...args)

test('A failed script is explained after --wait, in info and in status, without the admin credential', async () => {
  const created = await runAs(
    userHeader,
    'create',
    '-n',
    'fails',
    '-e',
    `behave.create=fail ${printed}`,
    '--wait',
  )
  assert.equal(created.code, 1, created.stderr)
  assert.match(
    created.stderr,
    /octo: create \(action \d+\) failed: The create script failed with exit code 1\.\nImage shop:v9 was not found in the registry\.\n {2}Error: image shop:v9 not found\n/,
  )
  for (const command of ['info', 'status']) {
    const { stdout } = await runAs(userHeader, command, '-n', 'fails')
    assert.ok(stdout.includes(words), stdout)
    assert.doesNotMatch(stdout.replaceAll('\n', ''), controlCode)
  }
  assert.doesNotMatch(created.stderr.replaceAll('\n', ''), controlCode)
})

test('A failed check is explained', async () => {
  const client = createApiClient(system.url)
  await client.create('sick')
  await client.waitForStatus('sick', 'Running')
  await system.setBehavior('check', 'fail 503 from /health')
  await client.waitForStatus('sick', 'GenericFailure')
  const waited = await runAs(userHeader, 'wait', '-n', 'sick')
  assert.equal(waited.code, 1)
  assert.match(waited.stderr, /Deployment sick is GenericFailure\. .* exit code 1\.\n {2}503 from \/health\n/)
  assert.match(
    (await runAs(userHeader, 'info', '-n', 'sick')).stdout,
    /^Status: GenericFailure \(Failing\)\n(.*\n)+ {4}503 from \/health\n/,
  )
})
