/** People whom a trusted proxy names: the policy, explanations, owners and their deployments, over HTTP. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FullInfo } from '../../domain/schemas.ts'
import { createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

const policy = `version: 1
rules:
  - { proxy_group: platform, role: admin }
  - { proxy_group: shop, role: developer, names: [shop-*] }
  - { proxy_user: cy@example.com, role: viewer }
`

let system: System
let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'octopod-policy-'))
  const file = join(dir, 'policy.yaml')
  await writeFile(file, policy)
  system = await startSystem({
    env: {
      OCTOPOD_POLICY: file,
      ACTOR_HEADER: 'X-Person',
      GROUPS_HEADER: 'X-Groups',
      TRUSTED_PROXIES: '127.0.0.1',
      ANONYMOUS_ROLE: 'none',
    },
  })
})
after(async () => {
  await system.stop()
  await rm(dir, { recursive: true })
})

/** A client that the proxy has signed in. */
function as(person: string, ...groups: string[]) {
  const { api } = createApiClient(system.url, null)
  return (method: string, path: string, body?: unknown) =>
    api(method, path, body, { 'X-Person': person, 'X-Groups': groups.join(',') })
}
const ann = () => as('ann@example.com', 'shop')
const ben = () => as('ben@example.com', 'shop')
const admin = () => as('dora@example.com', 'platform')
const messageOf = ({ body }: { body: unknown }) => (body as { error_message: string }).error_message

/** A server records whom the proxy names beside the request. */
async function becomeKnown(person: string): Promise<void> {
  await as(person)('GET', '/whoami')
  await waitFor(`${person} is known`, async () => {
    const { status, text } = await admin()('GET', `/policy/explain?right=read&as=${person}`)
    return { done: status === 200, value: null, seen: text }
  })
}

test('The policy explains a right of the caller, and for admins that of others', async () => {
  const own = await ann()('GET', '/policy/explain?right=create&name=shop-1')
  assert.equal(own.status, 200, own.text)
  assert.equal((own.body as { allowed: boolean }).allowed, true)
  const refused = await ann()('GET', '/policy/explain?right=delete')
  assert.match((refused.body as { message: string }).message, /^ann@example\.com may not delete/)
  assert.equal((await ann()('GET', '/policy/explain?right=create&as=ben')).status, 403)
  await becomeKnown('ben@example.com')
  const other = await admin()(
    'GET',
    '/policy/explain?right=archive&as=ben@example.com&group=shop&group=platform',
  )
  const { allowed, grants } = other.body as { allowed: boolean; grants: { role: string }[] }
  assert.deepEqual([allowed, grants.map(({ role }) => role)], [true, ['admin', 'developer']])
  assert.match(messageOf(await ann()('GET', '/policy/explain?right=fly')), /^query\.right: /)
  assert.match(
    messageOf(await admin()('GET', '/policy/explain?right=read&as=nobody')),
    /"nobody" is not known here/,
  )
})

test('Only admins read the policy and the sessions of everybody', async () => {
  const { status, body } = await admin()('GET', '/policy')
  assert.equal(status, 200)
  assert.deepEqual((body as { problems: string[] }).problems, [])
  assert.deepEqual((body as { rules: string[] }).rules[1], 'proxy group shop is developer of shop-*')
  assert.equal((await ann()('GET', '/policy')).status, 403)
  assert.equal((await admin()('GET', '/sessions?all=true')).status, 200)
  assert.equal((await ann()('GET', '/sessions?all=true')).status, 403)
  assert.equal((await ann()('GET', '/sessions')).status, 200)
})

test('A deployment belongs to its creator, who may give it away', async () => {
  const create = { name: 'shop-own', app_overrides: [], deployment_overrides: [] }
  assert.equal((await ann()('POST', '/deployments', create)).status, 200)
  await becomeKnown('ben@example.com')
  const ownerOf = async () =>
    ((await admin()('GET', '/deployments/shop-own/full_info')).body as FullInfo).owner?.subject
  assert.equal(await ownerOf(), 'ann@example.com')
  const refused = await ben()('PUT', '/deployments/shop-own/owner', { owner: 'ben@example.com' })
  assert.equal(refused.status, 403)
  assert.match(messageOf(refused), /ann@example\.com owns shop-own/)
  assert.equal((await ann()('PUT', '/deployments/shop-own/owner', { owner: 'ben@example.com' })).status, 200)
  assert.equal(await ownerOf(), 'ben@example.com')
  assert.equal((await ann()('PUT', '/deployments/shop-own/owner', { owner: null })).status, 403)
  assert.equal((await admin()('PUT', '/deployments/shop-own/owner', { owner: null })).status, 200)
  assert.equal(await ownerOf(), undefined)
})

test('Of a parameter that is sent twice, the first counts; a number is a whole number', async () => {
  const first = await ann()('GET', '/sessions?all=false&all=true')
  assert.equal(first.status, 200)
  assert.match(
    messageOf(await admin()('GET', '/deployments/shop-own/actions?limit=1e2')),
    /^query\.limit: "1e2" is not a whole number/,
  )
})
