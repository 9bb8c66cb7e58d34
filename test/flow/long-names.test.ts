/** NAME_MAX_LENGTH: names of 53 characters through server, scripts and config.json, and the names that errors offer. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

const longName = `feature-${'x'.repeat(45)}`
let system: System
let client: ApiClient
before(async () => {
  system = await startSystem({ env: { NAME_MAX_LENGTH: '53' } })
  client = createApiClient(system.url)
})
after(() => system.stop())

const badName = (body: unknown) => body as { tag: string; name_field: string[]; code: string }

test('A deployment with a name of 53 characters lives through all actions', async () => {
  assert.equal(longName.length, 53)
  assert.equal((await client.create(longName)).status, 200)
  await client.waitForStatus(longName, 'Running')
  assert.equal((await client.update(longName, { a: 'b' })).status, 200)
  await client.waitForStatus(longName, 'Running')
  assert.equal((await client.archive(longName)).status, 200)
  await client.waitForStatus(longName, 'Archived')
  assert.equal((await client.cleanup(longName)).status, 200)
  await client.waitUntilDeleted(longName)
  const [call] = await system.scriptCalls('create')
  assert.ok(call?.includes(longName))
  const audit = await client.api('GET', `/audit?deployment=${longName}`)
  assert.equal((audit.body as { entries: unknown[] }).entries.length, 4)
})

test('A longer or invalid name is refused, and the error offers a valid one', async () => {
  const { status, body } = await client.create(`${longName}y`)
  assert.equal(status, 400)
  assert.deepEqual([badName(body).tag, badName(body).code], ['ValidationError', 'bad_name'])
  assert.match(badName(body).name_field[0] ?? '', new RegExp(`2 to 53 characters\\. Try ${longName}\\.$`))
  const branch = await client.create('Feature/Login_2')
  assert.match(badName(branch.body).name_field[0] ?? '', /Try feature-login-2\.$/)
})

test('Clients learn the length; a server without the setting allows 16 characters, and existing names stay', async () => {
  const lengths = async (url: string) => {
    const { call, api } = createApiClient(url)
    const config = (await call('GET', '/config.json')).body as { name_max_length: number }
    const whoami = (await api('GET', '/whoami')).body as { name_max_length: number }
    const openapi = (await api('GET', '/openapi.json')).body as {
      components: { schemas: { Name: { pattern: string } } }
    }
    return [config.name_max_length, whoami.name_max_length, openapi.components.schemas.Name.pattern]
  }
  assert.deepEqual(await lengths(system.url), [53, 53, '^[a-z][a-z0-9-]{1,52}$'])
  const usual = await system.startServer({ NAME_MAX_LENGTH: '16' })
  assert.deepEqual(await lengths(usual.url), [16, 16, '^[a-z][a-z0-9-]{1,15}$'])
  const other = createApiClient(usual.url)
  const refused = await other.create('a-name-of-17-char')
  assert.equal(refused.status, 400)
  assert.match(
    badName(refused.body).name_field[0] ?? '',
    /\(17 characters\): 2 to 16 characters\. Try a-name-of-17-cha\.$/,
  )
  assert.equal((await client.create('a-name-of-17-char')).status, 200)
  await client.waitForStatus('a-name-of-17-char', 'Running')
  assert.equal((await other.archive('a-name-of-17-char')).status, 200)
})
