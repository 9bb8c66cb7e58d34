/** The device flow (RFC 8628) at real servers: a program asks, a person approves, the program gets its token once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import {
  type Browser,
  createBrowser,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

const userHeader = 'Bearer the-users'
let all: SignedInSystem
let second: string
before(async () => {
  all = await startSignedInSystem({
    APP_AUTHORIZATION_HEADER: `${userHeader}\nBearer older`,
    ACTOR_HEADER: 'X-Person',
    GROUPS_HEADER: 'X-Groups',
    TRUSTED_PROXIES: '127.0.0.1',
    OCTOPOD_POLICY: '',
    SIGNED_IN_ROLE: 'developer',
  })
  second = (await all.system.startServer({ PORT: '0' })).url
})
after(() => all.stop())

type Started = { device_code: string; user_code: string; verification_uri_complete: string }
const program = () => createBrowser(all.origin)
const start = async (client_name = 'octo on laptop'): Promise<Started> => {
  const answer = await program().request('POST', '/auth/device', { client_name })
  assert.equal(answer.status, 200, answer.text)
  return answer.body as Started
}
/** Servers count apart how often a program asks, so a test need not wait. */
const poll = async ({ device_code }: Started, url = all.origin) => {
  const answer = await createBrowser(all.origin, url).request('POST', '/auth/device/token', { device_code })
  return answer.body as { error?: string; error_description?: string; access_token: string; token_id: number }
}
const decide = (browser: Pick<Browser, 'api'>, { user_code }: Started, more: object = {}) =>
  browser.api('POST', '/device_login', { user_code, approve: true, ...more })
const withHeader = (headers: Record<string, string>): Pick<Browser, 'api'> => {
  const browser = createBrowser(all.origin)
  return { api: (method, path, body) => browser.api(method, path, body, headers) }
}
const whoami = async (token: string, url = all.origin) =>
  createApiClient(url, `Bearer ${token}`).api('GET', '/whoami')

test('A program gets a token of who has approved it, once, at any server', async () => {
  const login = await start()
  assert.match(login.user_code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
  assert.equal(login.verification_uri_complete, `${all.origin}/device?user_code=${login.user_code}`)
  assert.equal((await poll(login, second)).error, 'authorization_pending')
  const dev1 = await all.signIn('dev1')
  const shown = await dev1.api('GET', `/device_login?user_code=${login.user_code.toLowerCase()}`)
  assert.deepEqual(
    { ...(shown.body as object), created_at: '', expires_at: '' },
    {
      client_name: 'octo on laptop',
      address: '127.0.0.1',
      is_same_address: true,
      created_at: '',
      expires_at: '',
    },
  )
  assert.equal((await decide(dev1, login, { expires_in_days: 5 })).status, 200)
  const got = await poll(login)
  assert.match(got.access_token, /^octopod_pat_/)
  const me = await whoami(got.access_token, second)
  const known = me.body as Record<string, unknown>
  assert.deepEqual(
    [known.actor, known.proof, known.subject, known.role, known.credential_recognized],
    ['Dev One', 'token', 'dev1', 'developer', true],
  )
  const daysLeft = (Date.parse(me.headers.get('octopod-token-expires') ?? '') - Date.now()) / 86_400_000
  assert.ok(daysLeft > 4.9 && daysLeft < 5.1, String(daysLeft))
  const listed = (await dev1.api('GET', '/tokens')).body as { token_id: number; label: string }[]
  assert.equal(listed.find(({ token_id }) => token_id === got.token_id)?.label, 'octo on laptop')
  await withDatabase(all.system.databaseUrl, async (client) => {
    const { rows } = await client.query('select * from device_logins, access_tokens')
    assert.ok(!JSON.stringify(rows).includes(got.access_token.slice(12, 48)))
    assert.ok(!JSON.stringify(rows).includes(login.device_code))
  })
})

test('The audit log has the decision and the token, with the program and both addresses', async () => {
  const login = await start('octo in the log')
  const dev1 = await all.signIn('dev1')
  await decide(dev1, login, { expires_in_days: 9 })
  const { token_id } = await poll(login)
  const denied = await start('octo to deny')
  await decide(dev1, denied, { approve: false })
  const admin = createApiClient(all.origin)
  const page = (await admin.api('GET', '/audit?actor=dev1&limit=3')).body as {
    entries: { operation: string; proof: string; address: string; details: Record<string, unknown> }[]
  }
  const [second, created, first] = page.entries
  const program = { program: 'octo in the log', program_address: '127.0.0.1' }
  assert.deepEqual(
    [first?.operation, first?.proof, first?.address, first?.details],
    ['approve_login', 'oidc', '127.0.0.1', { role: 'developer', days: 9, ...program }],
  )
  assert.deepEqual(
    [created?.operation, created?.proof, created?.address, created?.details.token_id, created?.details.label],
    ['create_token', 'oidc', '127.0.0.1', token_id, 'octo in the log'],
  )
  assert.deepEqual([second?.operation, second?.details.program], ['deny_login', 'octo to deny'])
})

test('A device code that is used twice revokes its token', async () => {
  const login = await start()
  await decide(await all.signIn('dev1'), login)
  const { access_token } = await poll(login)
  assert.equal((await whoami(access_token)).status, 200)
  assert.equal((await poll(login, second)).error, 'invalid_grant')
  await waitFor('the token is revoked', async () => {
    const { status } = await whoami(access_token)
    return { done: status === 401, value: null, seen: status }
  })
})

test('Of two servers that are asked at the same time, one gives the token', async () => {
  const third = (await all.system.startServer({ PORT: '0' })).url
  const login = await start()
  await decide(await all.signIn('dev1'), login)
  const answers = await Promise.all([all.origin, second, third].map((url) => poll(login, url)))
  assert.equal(answers.filter(({ access_token }) => access_token !== undefined).length, 1)
})

test('A program that asks too often is told to slow down, and the database is not asked', async () => {
  const login = await start()
  assert.equal((await poll(login)).error, 'authorization_pending')
  assert.equal((await poll(login)).error, 'slow_down')
  const unknown = { ...login, device_code: 'x'.repeat(43) }
  assert.equal((await poll(unknown)).error, 'invalid_grant')
})

test('A denied, an expired and a changed login give no token', async () => {
  const dev1 = await all.signIn('dev1')
  const denied = await start()
  assert.equal((await decide(dev1, denied, { approve: false })).status, 200)
  assert.equal((await decide(dev1, denied)).status, 404, 'a decision is final')
  assert.equal((await poll(denied)).error, 'access_denied')

  const expired = await start()
  await decide(dev1, expired)
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(`update device_logins set expires_at = now() where user_code = $1`, [
      expired.user_code.replace('-', ''),
    ]),
  )
  assert.equal((await poll(expired)).error, 'expired_token')
  const late = await decide(dev1, expired)
  assert.deepEqual([late.status, (late.body as { code: string }).code], [404, 'no_such_code'])
})

test('Two people cannot both approve a code; the same person may repeat it', async () => {
  const login = await start()
  const dev1 = await all.signIn('dev1')
  assert.equal((await decide(dev1, login)).status, 200)
  assert.equal((await decide(await all.signIn('dev2'), login)).status, 404)
  assert.equal((await decide(dev1, login)).status, 200)
  const { access_token } = await poll(login)
  assert.equal(((await whoami(access_token)).body as { subject: string }).subject, 'dev1')
  assert.equal((await decide(dev1, login)).status, 404)
})

test('Nobody approves without a proof of the person, or from another page', async () => {
  const login = await start()
  const anonymous = await decide(program(), login)
  assert.equal(anonymous.status, 401)
  assert.match(anonymous.text, /open the page and sign in/)
  const dev1 = await all.signIn('dev1')
  const proxied = { 'X-Person': 'pia', 'X-Groups': 'shop' }
  for (const Origin of [null, 'http://evil.example'])
    for (const headers of [{ Cookie: dev1.cookieHeader() }, proxied, { Authorization: userHeader }]) {
      const body = { user_code: login.user_code, approve: true }
      const answer = await program().api('POST', '/device_login', body, { ...headers, Origin })
      assert.equal(answer.status, 403, answer.text)
      assert.match(answer.text, /wrong_origin/)
    }
  await decide(dev1, login)
  const { access_token } = await poll(login)
  const nested = await decide(withHeader({ Authorization: `Bearer ${access_token}` }), await start())
  assert.equal(nested.status, 403)
  assert.match(nested.text, /An access token cannot approve a login/)
})

test('Somebody who guesses codes is stopped, and nobody else is', async () => {
  const view1 = await all.signIn('view1')
  const login = await start()
  for (let at = 0; at < 10; at += 1)
    assert.equal((await view1.api('GET', '/device_login?user_code=BCDF-BCDF')).status, 404)
  const blocked = await view1.api('GET', `/device_login?user_code=${login.user_code}`)
  assert.equal(blocked.status, 429)
  assert.ok(Number(blocked.headers.get('retry-after')) > 60)
  const dev1 = await all.signIn('dev1')
  assert.equal((await dev1.api('GET', `/device_login?user_code=${login.user_code}`)).status, 200)
  assert.equal((await dev1.api('GET', '/device_login?user_code=HELLO')).status, 400)
})

test('A person of the proxy approves for itself', async () => {
  const login = await start()
  const pia = withHeader({ 'X-Person': 'pia', 'X-Groups': 'shop' })
  assert.equal((await decide(pia, login)).status, 200)
  const { access_token } = await poll(login)
  const me = (await whoami(access_token)).body as Record<string, unknown>
  assert.deepEqual([me.actor, me.issuer, me.proof, me.role], ['pia', 'proxy', 'token', 'developer'])
})

test('A token that a shared credential has approved has its rights and ends with its value', async () => {
  const byHeader = await start()
  assert.equal((await decide(withHeader({ Authorization: userHeader }), byHeader)).status, 200)
  const ofUser = (await poll(byHeader)).access_token
  const me = (await whoami(ofUser)).body as Record<string, unknown>
  assert.deepEqual([me.actor, me.proof, me.subject, me.role], ['user', 'token', null, 'developer'])

  const browser = createBrowser(all.origin)
  await browser.request('POST', '/auth/session', undefined, { Authorization: adminHeader })
  const bySession = await start()
  assert.equal((await decide(browser, bySession, { role: 'operator' })).status, 200)
  const ofAdmin = (await poll(bySession)).access_token
  assert.equal(((await whoami(ofAdmin)).body as { role: string }).role, 'operator')

  // Both values of the user header count until one is removed.
  const rotated = await all.system.startServer({
    PORT: '0',
    APP_AUTHORIZATION_HEADER: 'Bearer older',
  })
  const refused = await whoami(ofUser, rotated.url)
  assert.equal(refused.status, 401)
  assert.match(refused.text, /shared credential that has approved this access token has changed/)
  assert.equal((await whoami(ofAdmin, rotated.url)).status, 200)
  const closed = await all.system.startServer({ PORT: '0', SHARED_CREDENTIALS: 'off' })
  assert.equal((await whoami(ofAdmin, closed.url)).status, 401)

  const late = await start()
  await decide(withHeader({ Authorization: userHeader }), late)
  assert.equal((await poll(late, rotated.url)).error, 'access_denied')
  // Its holders see and revoke it.
  const user = createApiClient(all.origin, userHeader)
  const listed = (await user.api('GET', '/tokens')).body as { subject: string; state: string }[]
  assert.deepEqual([...new Set(listed.map(({ subject }) => subject))], ['user'])
  const own = createApiClient(all.origin, `Bearer ${ofUser}`)
  assert.equal((await own.api('DELETE', '/tokens/current')).status, 200)
  assert.equal((await own.api('GET', '/whoami')).status, 401)
  assert.equal((await user.api('DELETE', '/tokens/current')).status, 404)
})

test('Rights of the approver that end before the program asks count no more', async () => {
  const login = await start()
  const dev1 = await all.signIn('dev1')
  assert.equal((await decide(dev1, login, { role: 'admin' })).status, 200)
  const { access_token } = await poll(login)
  assert.equal(((await whoami(access_token)).body as { role: string }).role, 'developer')
  const strict = await all.system.startServer({ PORT: '0', OIDC_ALLOWED_GROUPS: 'platform' })
  assert.equal((await whoami(access_token, strict.url)).status, 401)
})

test('One address has a limited number of waiting logins', async () => {
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(`insert into device_logins (device_code_hash, user_code, client_name, address, address_group, expires_at)
      select sha256(n::text::bytea), 'x' || n, 'x', '127.0.0.1', '127.0.0.1', now() + interval '1 min' from generate_series(1, 50) n`),
  )
  const refused = await program().request('POST', '/auth/device', { client_name: 'one more' })
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '60'], refused.text)
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(`update device_logins set expires_at = now() - interval '2 hours'`),
  )
  await start()
  await waitFor('old logins are deleted', async () => {
    const count = await withDatabase(all.system.databaseUrl, async (client) => {
      const { rows } = await client.query<{ n: number }>('select count(*)::int as n from device_logins')
      return rows[0]?.n
    })
    return { done: count === 1, value: null, seen: count }
  })
})

test('Parameters are a form or JSON, each once; names are visible text', async () => {
  const send = async (path: string, type: string, body: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(all.origin + path, {
      method: 'POST',
      headers: { 'Content-Type': type, ...headers },
      body,
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const form = 'application/x-www-form-urlencoded'
  const grant = 'urn:ietf:params:oauth:grant-type:device_code'
  assert.equal((await send('/auth/device', form, 'client_id=octo')).status, 200)
  const { device_code } = await start()
  const polled = await send(
    '/auth/device/token',
    form,
    new URLSearchParams({ grant_type: grant, device_code, client_id: 'x' }).toString(),
  )
  assert.deepEqual([polled.status, polled.body.error], [400, 'authorization_pending'])
  for (const [path, type, body, status] of [
    ['/auth/device', form, 'client_name=a&client_name=b', 400],
    ['/auth/device', form, 'client_name=%E2%80%AEx', 400],
    ['/auth/device', form, `client_name=${'x'.repeat(101)}`, 400],
    ['/auth/device', form, 'client_name=%0A', 200],
    ['/auth/device', 'application/json', '{"client_name":7}', 400],
    ['/auth/device', 'application/json', '[]', 400],
    ['/auth/device', 'application/json', '{', 400],
    ['/auth/device', 'text/plain', 'client_name=a', 415],
    ['/auth/device/token', form, 'grant_type=password&device_code=x', 400],
    ['/auth/device/token', form, '', 400],
  ] as const)
    assert.equal((await send(path, type, body)).status, status, `${path} ${body}`)
  const foreign = await send('/auth/device', form, 'client_id=octo', { Origin: 'http://evil.example' })
  assert.equal(foreign.status, 403)
  assert.equal((await program().request('GET', '/auth/device')).status, 405)
  assert.equal((await program().request('GET', '/auth/device/token')).status, 405)
})

test('Where nobody can sign in, a program learns that it needs no login', async () => {
  const open = await all.system.startServer({
    PORT: '0',
    OIDC_ISSUER: '',
    OIDC_CLIENT_ID: '',
    OIDC_CLIENT_SECRET: '',
    ACTOR_HEADER: '',
    GROUPS_HEADER: '',
    SHARED_CREDENTIALS: 'off',
    ANONYMOUS_ROLE: 'developer',
  })
  const answer = await createBrowser(all.origin, open.url).request('POST', '/auth/device', {})
  assert.equal(answer.status, 400)
  assert.match(answer.text, /Nobody can sign in at this installation/)
})
