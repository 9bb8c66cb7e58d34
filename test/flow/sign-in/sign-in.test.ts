/** People sign in at a real provider, and the server knows who they are. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { signInWithFetch } from '../../helpers/oidc/oidc-provider.ts'
import {
  createBrowser,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'

let all: SignedInSystem
before(async () => {
  all = await startSignedInSystem({ APP_AUTHORIZATION_HEADER: 'Bearer the-users' })
})
after(() => all.stop())

test('Somebody who signs in comes back to the page, with a session that only the browser can read', async () => {
  const browser = all.browser()
  const anonymous = await browser.api('GET', '/whoami')
  assert.equal(anonymous.status, 401)
  assert.match(
    anonymous.text,
    /open the page and sign in with single sign-on, or send the Authorization header/,
  )
  assert.equal(
    await browser.signIn('dev1', '/deployments/shop-1?tab=log#x'),
    `${all.origin}/deployments/shop-1?tab=log#x`,
  )
  const { body } = await browser.api('GET', '/whoami')
  // It follows the runner, which may be announced later.
  const { has_app_logs: _, ...person } = body as Record<string, unknown>
  assert.deepEqual(person, {
    role: 'developer',
    actor: 'Dev One',
    claimed_actor: null,
    proof: 'oidc',
    issuer: all.provider.issuer,
    subject: 'dev1',
    email: 'dev1@example.com',
    groups: ['shop'],
    grants: [
      {
        role: 'developer',
        names: ['shop-*'],
        rule: 'rule 2 of the policy: group shop is developer of shop-*',
      },
    ],
    respects_owners: true,
    output_readers: 'developer',
    has_session: true,
    source: 'api',
    project: 'octopod',
    can_read_output: true,
    name_max_length: 16,
    credential_recognized: null,
  })
})

test('The cookie is for this installation alone and cannot be read by scripts', async () => {
  const browser = all.browser()
  const start = await browser.request('GET', '/auth/login')
  const back = await signInWithFetch(start.headers.get('location') ?? '', 'dev1')
  const end = await browser.request('GET', `${back.pathname}${back.search}`)
  const cookies = end.headers.getSetCookie()
  const session = cookies.find((cookie) => /^octopod-[0-9a-f]{8}=[\w-]{43};/.test(cookie))
  assert.match(session ?? '', /; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/)
  assert.match(cookies.find((cookie) => cookie.includes('-login-')) ?? '', /; Max-Age=0;/)
  // A second installation on the host reads another cookie.
  const [[name, value] = ['', '']] = [...browser.cookies]
  const other = createBrowser(all.origin)
  other.cookies.set(name.replace(/[0-9a-f]{8}$/, '00000000'), value)
  assert.equal((await other.api('GET', '/whoami')).status, 401)
})

test('An action and an owner are who signed in, whatever the client claims', async () => {
  const dev1 = await all.signIn('dev1')
  const created = await dev1.api(
    'POST',
    '/deployments',
    { name: 'shop-owned', app_overrides: [], deployment_overrides: [] },
    { 'Octopod-Actor': 'ceo' },
  )
  assert.equal(created.status, 200, created.text)
  const action = (await dev1.api('GET', `/actions/${created.headers.get('octopod-action-id')}`))
    .body as Record<string, unknown>
  assert.deepEqual(
    [action.actor, action.proof, action.claimed_actor, action.actor_subject, action.actor_issuer],
    ['Dev One', 'oidc', 'ceo', 'dev1', all.provider.issuer],
  )
  const { owner } = (await dev1.api('GET', '/deployments/shop-owned/full_info')).body as { owner: unknown }
  assert.deepEqual(owner, { issuer: all.provider.issuer, subject: 'dev1', name: 'Dev One' })

  const octo = createApiClient(all.origin)
  await octo.waitForStatus('shop-owned', 'Running')
  const dev2 = await all.signIn('dev2')
  const refused = await dev2.api('DELETE', '/deployments/shop-owned')
  assert.equal(refused.status, 403)
  assert.match(refused.text, /Deployment shop-owned belongs to somebody else|Dev One owns shop-owned/)
  for (const owner of ['dev2', 'somebody unknown here'])
    assert.equal((await dev2.api('PUT', '/deployments/shop-owned/owner', { owner })).status, 403, owner)
  assert.equal(
    (await dev1.api('PUT', '/deployments/shop-owned/owner', { owner: 'DEV2@example.com' })).status,
    200,
  )
  assert.equal((await dev1.api('DELETE', '/deployments/shop-owned')).status, 403)
  assert.equal((await dev2.api('DELETE', '/deployments/shop-owned')).status, 200)
})

test('A person sees and uses only the names of the policy', async () => {
  const admin = createApiClient(all.origin)
  for (const name of ['shop-seen', 'pay-hidden']) assert.equal((await admin.create(name)).status, 200)
  const dev1 = await all.signIn('dev1')
  const names = (await dev1.api('GET', '/deployment_names')).body as string[]
  assert.ok(names.includes('shop-seen') && !names.includes('pay-hidden'))
  const list = await dev1.api('GET', '/deployments')
  assert.ok(!list.text.includes('pay-hidden'))
  assert.notEqual(list.headers.get('octopod-view'), 'all')
  for (const [method, path, body] of [
    ['GET', '/deployments/pay-hidden/full_info', undefined],
    ['GET', '/deployments/pay-nowhere/full_info', undefined],
    ['DELETE', '/deployments/pay-hidden', undefined],
    ['POST', '/deployments', { name: 'pay-2', app_overrides: [], deployment_overrides: [] }],
  ] as const) {
    const answer = await dev1.api(method, path, body)
    assert.equal(answer.status, 403, path)
    assert.match(answer.text, /the roles of Dev One are for shop-\*, not for pay-/)
  }
  const [hidden] = await admin.actions('pay-hidden')
  const id = hidden?.action_id
  for (const [method, path] of [
    ['GET', `/actions/${id}`],
    ['GET', `/actions/${id}/output`],
    ['GET', `/actions/${id}/output/stream`],
    ['GET', `/log/${id}`],
    ['POST', `/actions/${id}/cancel`],
  ] as const)
    assert.equal((await dev1.api(method, path)).status, 404, path)
})

test('Somebody without a role learns who can give one; a viewer cannot change anything', async () => {
  const nobody = await all.signIn('nobody1')
  assert.equal(((await nobody.api('GET', '/whoami')).body as { role: unknown }).role, null)
  const refused = await nobody.api('GET', '/deployments')
  assert.equal(refused.status, 403)
  assert.match(refused.text, /Nobody One has no role here, so may not read this\. Ask an admin/)
  const viewer = await all.signIn('view1')
  assert.equal((await viewer.api('GET', '/deployments')).status, 200)
  const created = await viewer.create('shop-v')
  assert.equal(created.status, 403)
  assert.match(created.text, /The role developer or operator or admin may create deployments; ask an admin/)
})

test('A cookie changes something only from our own page; a valid header wins over the cookie', async () => {
  const dev1 = await all.signIn('dev1')
  const body = { name: 'shop-csrf', app_overrides: [], deployment_overrides: [] }
  const { port } = new URL(all.origin)
  for (const origin of [
    null,
    'null',
    'http://evil.example',
    `https://127.0.0.1:${port}`,
    'http://127.0.0.1:1',
  ]) {
    const answer = await dev1.api('POST', '/deployments', body, { Origin: origin })
    assert.equal(answer.status, 403, String(origin))
    assert.match(answer.text, /wrong_origin/)
  }
  const both = await dev1.api('GET', '/whoami', undefined, { Authorization: 'Bearer the-users' })
  assert.equal((both.body as { actor: string }).actor, 'user')
  const wrong = await dev1.api('GET', '/whoami', undefined, { Authorization: 'Bearer wrong' })
  assert.equal((wrong.body as { actor: string }).actor, 'Dev One')
})

test('A sign-in that this browser did not begin, or that ended already, starts no session', async () => {
  const stranger = all.browser()
  const start = await stranger.request('GET', '/auth/login')
  const back = await signInWithFetch(start.headers.get('location') ?? '', 'dev2')
  const victim = all.browser()
  const html = { Accept: 'text/html' }
  const forced = await victim.request('GET', `${back.pathname}${back.search}`, undefined, html)
  assert.match(forced.headers.get('location') ?? '', /^\/sign-in\?error=sign_in_expired&request=/)
  assert.equal(victim.sessionId(), undefined)
  assert.equal((await stranger.request('GET', `${back.pathname}${back.search}`)).status, 303)
  const twice = await stranger.request('GET', `${back.pathname}${back.search}`, undefined, html)
  assert.match(twice.headers.get('location') ?? '', /error=sign_in_expired/)
  const without = await victim.request('GET', '/auth/callback')
  assert.deepEqual([without.status, (without.body as { code: string }).code], [400, 'sign_in_failed'])
})

test('An id that a stranger has put into the browser gets no rights, and the old session ends', async () => {
  const browser = await all.signIn('dev2')
  const [[name] = ['']] = [...browser.cookies]
  const before = browser.sessionId()
  await browser.signIn('dev1')
  assert.notEqual(browser.sessionId(), before)
  const old = all.browser()
  old.cookies.set(name, before ?? '')
  const answer = await old.api('GET', '/whoami')
  assert.deepEqual([answer.status, (answer.body as { code: string }).code], [401, 'session_ended'])
  // The answer removes the cookie.
  assert.equal(old.cookies.size, 0)
  const gone = all.browser()
  gone.cookies.set(name, before ?? '')
  assert.equal((await gone.api('GET', '/ping')).status, 200, 'what needs no right is answered')
  const fixed = all.browser()
  fixed.cookies.set(name, 'A'.repeat(43))
  await fixed.signIn('dev1')
  assert.notEqual(fixed.sessionId(), 'A'.repeat(43))
  for (const value of ['x', `${before}; ${name}=${before}`]) {
    const odd = await all.browser().api('GET', '/whoami', undefined, { Cookie: `${name}=${value}` })
    assert.equal(odd.status, 401)
  }
})

test('returnTo leads only to paths of our own', async () => {
  for (const returnTo of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/..//evil.example',
    '/%2e%2e//evil.example',
    '/auth/logout',
  ]) {
    const location = await all.browser().signIn('dev1', returnTo)
    assert.equal(new URL(location).origin, all.origin, returnTo)
    assert.ok(!location.slice(all.origin.length).startsWith('//'), location)
  }
})

test('While the provider is stopped, sessions go on and a sign-in says what is wrong', async () => {
  const dev1 = await all.signIn('dev1')
  await all.provider.stop()
  try {
    assert.equal((await dev1.api('GET', '/whoami')).status, 200)
    const browser = all.browser()
    const first = await browser.request('GET', '/auth/login')
    // The addresses of the provider are known for an hour; then its own page does not answer.
    assert.ok([303, 503].includes(first.status), first.text)
    const failed = await browser.request('GET', '/auth/callback?code=x&state=y', undefined, {
      Accept: 'text/html',
    })
    assert.match(failed.headers.get('location') ?? '', /error=(sign_in_expired|provider_unreachable)/)
  } finally {
    await all.provider.start()
  }
})

test('A path of signing in is for navigation, and only with its method', async () => {
  const browser = all.browser()
  const fetched = await browser.request('GET', '/auth/login', undefined, { 'Sec-Fetch-Mode': 'cors' })
  assert.equal(fetched.status, 400)
  assert.equal((await browser.request('POST', '/auth/login')).status, 405)
  assert.equal((await browser.request('GET', '/auth/session')).status, 405)
})
