/** Access tokens of people and services, at real servers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { request as httpRequest } from 'undici'
import { createApiClient } from '../../helpers/api-client.ts'
import {
  type Browser,
  people,
  policy,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let all: SignedInSystem
let second: string
before(async () => {
  all = await startSignedInSystem()
  second = (await all.system.startServer({ PORT: '0' })).url
})
after(() => all.stop())

type Created = { token: string; token_id: number; name: string }
const create = async (browser: Browser, body: Record<string, unknown> = {}): Promise<Created> => {
  const answer = await browser.api('POST', '/tokens', { label: 'test', expires_in_days: 30, ...body })
  assert.equal(answer.status, 200, answer.text)
  return answer.body as Created
}
const withToken = (token: string, url = all.origin) => createApiClient(url, `Bearer ${token}`)

test('A token acts as its owner, and names itself as the proof', async () => {
  const dev1 = await all.signIn('dev1')
  const { token } = await create(dev1)
  const client = withToken(token)
  const me = (await client.api('GET', '/whoami')).body as Record<string, unknown>
  assert.deepEqual(
    [me.actor, me.proof, me.subject, me.role, me.has_session],
    ['Dev One', 'token', 'dev1', 'developer', false],
  )
  const created = await client.create('shop-token')
  assert.equal(created.status, 200, created.text)
  const action = (await client.api('GET', `/actions/${created.headers.get('octopod-action-id')}`))
    .body as Record<string, unknown>
  assert.deepEqual([action.actor, action.proof, action.actor_subject], ['Dev One', 'token', 'dev1'])
  const refused = await client.create('pay-token')
  assert.equal(refused.status, 403)
  assert.match(refused.text, /are for shop-\*, not for pay-token/)
})

test('A token gives no more than it says, and no more than its owner has at its use', async () => {
  const ada = await all.signIn('ada')
  const { token } = await create(ada, { role: 'developer', names: ['pr-*'] })
  const client = withToken(token)
  assert.equal((await client.create('pr-1')).status, 200)
  const outside = await client.create('shop-x')
  assert.equal(outside.status, 403)
  assert.match(outside.text, /are for pr-\*, not for shop-x/)
  assert.equal((await client.api('DELETE', '/deployments/pr-1/delete')).status, 403)
  assert.deepEqual((await client.api('GET', '/deployment_names')).body, ['pr-1'])
  assert.equal((await client.api('GET', '/policy')).status, 403)

  const dev2 = await all.signIn('dev2')
  const wide = await create(dev2, { role: 'admin' })
  assert.equal(
    ((await withToken(wide.token).api('GET', '/whoami')).body as { role: string }).role,
    'developer',
  )
  await all.writePolicy(policy.replace('group: shop\n', 'group: other\n'))
  await waitFor('the token has lost its role', async () => {
    const { role } = (await withToken(wide.token).api('GET', '/whoami')).body as { role: string | null }
    return { done: role === null, value: null, seen: role }
  })
  await all.writePolicy(policy)
  await waitFor('the token has its role again, at both servers', async () => {
    const roles = await Promise.all(
      [all.origin, second].map(async (url) => {
        const { body } = await withToken(wide.token, url).api('GET', '/whoami')
        return (body as { role: string | null }).role
      }),
    )
    return { done: roles.every((role) => role === 'developer'), value: null, seen: roles }
  })
})

test('A lost group counts for tokens from the next sign-in on', async () => {
  const dev2 = await all.signIn('dev2')
  const { token } = await create(dev2)
  all.provider.accounts.set('dev2', { ...people.dev2, groups: ['guests'] })
  try {
    await all.signIn('dev2')
    await waitFor('the token is a viewer', async () => {
      const { role } = (await withToken(token, second).api('GET', '/whoami')).body as { role: string | null }
      return { done: role === 'viewer', value: null, seen: role }
    })
  } finally {
    all.provider.accounts.set('dev2', { ...people.dev2 })
  }
})

test('A service has at most the rights of the group that owns it', async () => {
  const dev1 = await all.signIn('dev1')
  const service = { name: 'deployer', owner_group: 'shop' }
  const { token, name } = await create(dev1, { service })
  assert.equal(name, 'deployer')
  assert.match(token, /^octopod_svc_/)
  const client = withToken(token)
  const me = (await client.api('GET', '/whoami')).body as Record<string, unknown>
  assert.deepEqual(
    [me.actor, me.issuer, me.subject, me.role],
    ['deployer', 'octopod', 'shop/deployer', 'developer'],
  )
  assert.equal((await client.create('shop-service')).status, 200)
  assert.equal((await client.create('pay-service')).status, 403)
  const foreign = await dev1.api('POST', '/tokens', {
    label: 'x',
    expires_in_days: 1,
    service: { name: 'root', owner_group: 'platform' },
  })
  assert.equal(foreign.status, 403)
  // A colleague of the group sees and revokes it.
  const dev2 = await all.signIn('dev2')
  const listed = (await dev2.api('GET', '/tokens')).body as { token_id: number; name: string }[]
  const id = listed.find((one) => one.name === 'deployer')?.token_id
  assert.equal((await dev2.api('DELETE', `/tokens/${id}`)).status, 200)
  assert.equal((await client.api('GET', '/whoami')).status, 401)
})

test('A revoked token counts no more at any server; lists never show tokens', async () => {
  const dev1 = await all.signIn('dev1')
  const { token, token_id } = await create(dev1)
  const atSecond = withToken(token, second)
  assert.equal((await atSecond.api('GET', '/whoami')).status, 200)
  const list = await dev1.api('GET', '/tokens')
  assert.ok(!list.text.includes(token) && !/octopod_pat_/.test(list.text))
  assert.equal((await dev1.api('DELETE', `/tokens/${token_id}`)).status, 200)
  assert.equal((await dev1.api('DELETE', `/tokens/${token_id}`)).status, 404)
  await waitFor('the second server refuses it', async () => {
    const answer = await atSecond.api('GET', '/whoami')
    return { done: answer.status === 401 && /revoked/.test(answer.text), value: null, seen: answer.text }
  })
  await withDatabase(all.system.databaseUrl, async (client) => {
    const { rows } = await client.query('select * from access_tokens')
    assert.ok(!JSON.stringify(rows).includes(token.slice(12, 48)))
    assert.ok(rows.some(({ last_used_at }) => last_used_at !== null))
  })
})

test('A thousand ended tokens hide no valid one; they are deleted 90 days after their end', async () => {
  const dev1 = await all.signIn('dev1')
  const dev2 = await all.signIn('dev2')
  const first = await create(dev1, { label: 'first' })
  const last = await create(dev1, { label: 'last' })
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(
      `insert into access_tokens (kind, token_hash, label, issuer, subject, name, created_by, role, names, revoked_at, expires_at)
       select kind, sha256(('copy' || n)::bytea), 'copy', issuer, subject, name, created_by, role, names, now(), expires_at
       from access_tokens, generate_series(1, 1000) as n where id = $1`,
      [last.token_id],
    ),
  )
  const list = async () => (await dev1.api('GET', '/tokens')).body as { label: string; state: string }[]
  const listed = await list()
  assert.equal(listed.length, 1000)
  assert.deepEqual(listed[0]?.label, 'last')
  assert.ok(listed.some(({ label, state }) => label === 'first' && state === 'valid'))
  // Before its deletion a token is found by its id, wherever it stands in the list.
  const oldest = await withDatabase(all.system.databaseUrl, async (client) => {
    const { rows } = await client.query(
      `update access_tokens set revoked_at = null, expires_at = now() - interval '1 second'
       where id = (select min(id) from access_tokens where label = 'copy') returning id`,
    )
    return rows[0].id
  })
  assert.ok(!(await dev1.api('GET', '/tokens')).text.includes(`"token_id":${oldest},`))
  assert.equal((await dev2.api('DELETE', `/tokens/${oldest}`)).status, 404)
  assert.equal((await dev2.api('DELETE', `/tokens/${first.token_id}`)).status, 404)
  assert.equal((await dev1.api('DELETE', `/tokens/${oldest}`)).status, 200)
  assert.equal((await dev1.api('DELETE', `/tokens/${first.token_id}`)).status, 200)

  await withDatabase(all.system.databaseUrl, async (client) => {
    const endedDaysAgo = (days: string, column: 'revoked_at' | 'expires_at') =>
      client.query(`update access_tokens set ${column} = now() - $1::interval where label = 'copy'`, [days])
    const count = async () =>
      (await client.query(`select count(*)::int as count from access_tokens where label = 'copy'`)).rows[0]
        .count
    await endedDaysAgo('89 days', 'revoked_at')
    await create(dev2)
    assert.equal(await count(), 1000)
    await endedDaysAgo('91 days', 'expires_at')
    await create(dev2)
    assert.equal(await count(), 0)
  })
  assert.ok((await list()).some(({ label }) => label === 'last'))
})

test('A token that cannot count is refused with the reason, also where everyone may read', async () => {
  const dev1 = await all.signIn('dev1')
  const { token } = await create(dev1)
  const reason = async (text: string) => {
    const answer = await withToken(text).api('GET', '/deployments')
    assert.equal(answer.status, 401, text)
    return answer.text
  }
  assert.match(
    await reason(`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`),
    /incomplete or mistyped/,
  )
  assert.match(await reason(token.slice(0, 20)), /incomplete or mistyped/)
  const { createTokenText } = await import('../../../functions/auth/tokens/token-text.ts')
  assert.match(await reason(createTokenText('personal')), /unknown here/)
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(
      `update access_tokens set expires_at = now() where id = (select max(id) from access_tokens)`,
    ),
  )
  // This server has not read it yet.
  assert.match(await reason(token), /of Dev One has expired/)
})

test('A token ends with what let its owner in: the provider and the allowed groups of the settings', async () => {
  const { token } = await create(await all.signIn('dev1'))
  for (const [env, status] of [
    [{ OIDC_ALLOWED_GROUPS: 'shop,other' }, 200],
    [{ OIDC_ALLOWED_GROUPS: 'platform' }, 401],
    [{ OIDC_ISSUER: 'https://other.example' }, 401],
  ] as const) {
    const server = await all.system.startServer({ PORT: '0', ...env })
    const answer = await withToken(token, server.url).api('GET', '/whoami')
    assert.equal(answer.status, status, answer.text)
    if (status === 401)
      assert.match(answer.text, /The owner of this access token may not sign in here any more/)
    await server.stop()
  }
})

test('Only people and admins create tokens, with an end, and not more than a hundred', async () => {
  const dev1 = await all.signIn('dev1')
  const { token } = await create(dev1)
  const body = { label: 'x', expires_in_days: 1 }
  const nested = await withToken(token).api('POST', '/tokens', body)
  assert.equal(nested.status, 403)
  assert.match(nested.text, /An access token cannot create another one/)
  const admin = createApiClient(all.origin)
  assert.match((await admin.api('POST', '/tokens', body)).text, /A shared credential is nobody/)
  const forDev = await admin.api('POST', '/tokens', { ...body, for: 'dev1@example.com' })
  assert.equal((forDev.body as Created).name, 'Dev One', forDev.text)
  assert.equal((await dev1.api('POST', '/tokens', { ...body, for: 'dev2' })).status, 403)
  assert.equal((await dev1.api('POST', '/tokens', { label: 'x' })).status, 400)
  assert.match((await dev1.api('POST', '/tokens', { label: 'x', expires_in_days: 400 })).text, /at most 366/)
  assert.equal(
    (await dev1.api('POST', '/tokens', body, { Origin: null })).status,
    403,
    'a cookie needs our origin',
  )
})

test('A wrong token opens no foreign host, not even for a path without a right', async () => {
  const { createTokenText } = await import('../../../functions/auth/tokens/token-text.ts')
  const { token } = await create(await all.signIn('dev1'))
  const statusAt = async (path: string, text: string) => {
    const headers = { host: 'evil.example', authorization: `Bearer ${text}` }
    const answer = await httpRequest(`${all.origin}${path}`, { headers })
    await answer.body.dump()
    return answer.statusCode
  }
  for (const path of ['/config.json', '/api/v1/whoami', '/'])
    for (const text of [createTokenText('personal'), 'octopod_pat_x'])
      assert.equal(await statusAt(path, text), 421, path)
  assert.equal(await statusAt('/api/v1/whoami', token), 200)
})
