/** People, cookies and headers that are not as usual: each has one clear answer. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { freePort } from '../../../lib/node/ports.ts'
import { adminHeaders, createApiClient } from '../../helpers/api-client.ts'
import { startOidcProvider, type TestOidcProvider } from '../../helpers/oidc/oidc-provider.ts'
import {
  type Browser,
  createBrowser,
  policy,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let all: SignedInSystem
/** The same installation after a move to another provider. */
let moved: { origin: string; provider: TestOidcProvider }
before(async () => {
  all = await startSignedInSystem({ APP_AUTHORIZATION_HEADER: 'Bearer the-users' }, { runner: false })
  const origin = `http://127.0.0.1:${await freePort()}`
  const provider = await startOidcProvider({
    accounts: { 'dev1-there': { name: 'Dev One', email: 'dev1@example.com', groups: ['shop'] } },
  })
  provider.allowRedirects(`${origin}/auth/callback`)
  await all.system.startServer({ PORT: new URL(origin).port, APP_URL: origin, OIDC_ISSUER: provider.issuer })
  moved = { origin, provider }
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links)
       values ('shop-1', 'Running', '[]', '[]', '[]'), ('shop-2', 'Running', '[]', '[]', '[]')`,
    ),
  )
})
after(async () => {
  await all?.stop()
  await moved?.provider.stop()
})

const whoami = async (browser: Browser, headers = {}) => {
  const { status, body, text } = await browser.api('GET', '/whoami', undefined, headers)
  return { status, text, ...(body as Record<string, unknown>) } as Record<string, unknown> & {
    status: number
    text: string
  }
}

test('Somebody without a name and an address is shown by the subject', async () => {
  all.provider.accounts.set('4711', { groups: ['guests'] })
  const me = await whoami(await all.signIn('4711'))
  assert.deepEqual([me.actor, me.subject, me.email, me.role], ['4711', '4711', null, 'viewer'])
})

test('Claims of another type than text are no names, addresses and groups', async () => {
  all.provider.accounts.set('odd', {
    name: { first: 'Odd' } as unknown as string,
    email: ['odd@example.com'] as unknown as string,
    groups: [{ name: 'platform' }, 7, null, 'guests'] as unknown as string[],
  })
  const me = await whoami(await all.signIn('odd'))
  assert.deepEqual([me.actor, me.email, me.groups, me.role], ['odd', null, ['guests'], 'viewer'])
})

test('The same address at two providers belongs to two people, so that it names none', async () => {
  await all.signIn('dev1')
  const browser = createBrowser(moved.origin)
  await browser.signIn('dev1-there')
  const admin = createApiClient(all.origin)
  const answer = await admin.api('PUT', '/deployments/shop-1/owner', { owner: 'Dev1@Example.com' })
  assert.equal(answer.status, 400)
  const { error_message: message } = answer.body as { error_message: string }
  for (const [subject, issuer] of [
    ['dev1', all.provider.issuer],
    ['dev1-there', moved.provider.issuer],
  ])
    assert.ok(message.includes(`(${subject} of ${issuer})`), message)
  assert.equal((await admin.fullInfo('shop-1')).owner, null)
  assert.equal((await admin.api('PUT', '/deployments/shop-1/owner', { owner: 'dev1-there' })).status, 200)
  // The first person has the same address and name, and is somebody else all the same.
  const first = await all.signIn('dev1')
  assert.equal((await first.api('DELETE', '/deployments/shop-1')).status, 403)
  assert.equal((await admin.api('PUT', '/deployments/shop-1/owner', { owner: null })).status, 200)
})

test('A session of another provider does not count', async () => {
  const here = await all.signIn('dev1')
  const there = createBrowser(moved.origin)
  await there.signIn('dev1-there')
  const [[name] = ['']] = [...there.cookies]
  there.cookies.set(name, here.sessionId() ?? '')
  const answer = await whoami(there)
  assert.deepEqual([answer.status, answer.code], [401, 'session_ended'])
  assert.equal((await whoami(here)).status, 200)
})

test('Somebody with 10,000 groups signs in and works; the session keeps a bounded part of them', async () => {
  const groups = Array.from({ length: 10_000 }, (_, at) => `group-number-${at}`)
  all.provider.accounts.set('busy', { name: 'Busy', groups: [...groups, 'shop'] })
  const browser = await all.signIn('busy')
  const me = await whoami(browser)
  assert.deepEqual([me.role, me.groups], ['developer', ['shop']])
  assert.equal((await browser.api('GET', '/deployments')).status, 200)
  const { rows } = await withDatabase(all.system.databaseUrl, (client) =>
    client.query<{ bytes: number }>(
      `select max(pg_column_size(s.*))::int as bytes from sessions s where subject = 'busy'`,
    ),
  )
  assert.ok((rows[0]?.bytes ?? 0) > 0 && (rows[0]?.bytes ?? 0) < 64 * 1024, JSON.stringify(rows))
  assert.ok(browser.cookieHeader().length < 200)
})

test('A cookie of another installation or of nobody is no session, and is removed', async () => {
  const browser = await all.signIn('dev1')
  const [[name] = ['']] = [...browser.cookies]
  for (const value of ['B'.repeat(43), 'x'.repeat(4000), '', '"', '%00', `${browser.sessionId()}x`]) {
    const other = all.browser()
    other.cookies.set(name, value)
    const answer = await whoami(other)
    assert.deepEqual([answer.status, answer.code], [401, 'session_ended'], value)
    assert.equal(other.cookies.size, 0)
    // The next request is that of somebody new, who may sign in.
    await other.signIn('dev1')
    assert.equal((await whoami(other)).status, 200)
  }
})

test('A session counts beside many cookies of others; too many are refused by HTTP itself', async () => {
  const browser = await all.signIn('dev1')
  for (let at = 0; at < 100; at += 1) browser.cookies.set(`other-${at}`, 'y'.repeat(100))
  assert.equal((await whoami(browser)).actor, 'Dev One')
  for (let at = 0; at < 200; at += 1) browser.cookies.set(`other-${at}`, 'y'.repeat(100))
  const { status, text } = await browser.request('GET', '/api/v1/whoami')
  assert.equal(status, 431, text)
  browser.cookies.set('other-0', 'z'.repeat(5_000_000))
  const tooLarge = await browser.request('GET', '/api/v1/whoami').catch((error: Error) => error)
  assert.ok(tooLarge instanceof Error || tooLarge.status === 431)
})

test('A valid header wins over the cookie in all that is stored; a wrong one leaves the cookie', async () => {
  const browser = await all.signIn('dev1')
  const archive = (headers: Record<string, string | null>) =>
    browser.api('DELETE', '/deployments/shop-2', undefined, headers)
  // No page can send the header, so that the Origin may be missing.
  const byHeader = await archive({ Authorization: adminHeader, Origin: null })
  assert.equal(byHeader.status, 200, byHeader.text)
  const { body } = await browser.api('GET', `/actions/${byHeader.headers.get('octopod-action-id')}`)
  const { actor, proof, actor_subject: subject } = body as Record<string, unknown>
  assert.deepEqual([actor, proof, subject], ['admin', 'shared', null])
  const wrong = await archive({ Authorization: 'Bearer wrong', Origin: null })
  assert.deepEqual([wrong.status, (wrong.body as { code: string }).code], [403, 'wrong_origin'])
  const asUser = await whoami(browser, { Authorization: 'Bearer the-users' })
  assert.deepEqual([asUser.actor, asUser.has_session, asUser.subject], ['user', false, null])
})

test('Somebody whose rule is gone stays signed in without a role, and gets it back with the rule', async () => {
  const browser = await all.signIn('view1')
  const socket = await connectWebSocket(all.origin, [], {
    headers: { Cookie: browser.cookieHeader(), Origin: all.origin },
  })
  const roleBecomes = (role: string | null) =>
    waitFor(`the role is ${role}`, async () => {
      const me = await whoami(browser)
      assert.equal(me.status, 200, me.text)
      return { done: me.role === role, value: null, seen: me.role }
    })
  await all.writePolicy(policy.replace(/ {2}- group: guests\n {4}role: viewer\n/, ''))
  try {
    await roleBecomes(null)
    const refused = await browser.api('GET', '/deployments')
    assert.equal(refused.status, 403)
    assert.match(refused.text, /View One has no role here/)
    await waitFor('the websocket is closed', async () => {
      const code = socket.closeCode()
      return { done: code === 4403, value: null, seen: code }
    })
  } finally {
    await all.writePolicy(policy)
  }
  await roleBecomes('viewer')
  assert.equal((await browser.api('GET', '/deployments')).status, 200)
})

test('An address that tries many ids of sessions is limited, and a session beside it is not', async () => {
  const { url } = await all.system.startServer({ PORT: '0', REQUEST_LIMIT: '2' })
  const browser = await all.signIn('dev1')
  const [[name] = ['']] = [...browser.cookies]
  const tryId = async (value: string) => {
    const response = await fetch(`${url}/api/v1/whoami`, { headers: { Cookie: `${name}=${value}` } })
    await response.arrayBuffer()
    return response.status
  }
  assert.equal(await tryId(browser.sessionId() ?? ''), 200)
  const statuses = await Promise.all(
    Array.from({ length: 60 }, (_, at) => tryId(String(at).padStart(43, 'C'))),
  )
  assert.deepEqual([...new Set(statuses)].sort(), [401, 429])
  assert.equal(await tryId(browser.sessionId() ?? ''), 200)
  const asAdmin = await fetch(`${url}/api/v1/whoami`, { headers: adminHeaders })
  assert.equal(asAdmin.status, 200)
})
