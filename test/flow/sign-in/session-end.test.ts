/** Sessions end on every server at once, and with them what they hold open. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { createApiClient } from '../../helpers/api-client.ts'
import {
  type Browser,
  createBrowser,
  people,
  policy,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { startTcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'

let all: SignedInSystem
/** A second server of the same installation. */
let second: string
before(async () => {
  all = await startSignedInSystem(
    { APP_AUTHORIZATION_HEADER: 'Bearer old\nBearer new', OIDC_REFRESH_INTERVAL: '2' },
    { runner: false },
  )
  second = (await all.system.startServer({ PORT: '0' })).url
})
after(() => all.stop())

/** The same browser at the second server. */
function atSecond(browser: Browser): Browser {
  const other = createBrowser(all.origin, second)
  for (const [name, value] of browser.cookies) other.cookies.set(name, value)
  return other
}

async function openSocket(browser: Browser, url = all.origin) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/event`, {
    origin: all.origin,
    headers: { Cookie: browser.cookieHeader(), Host: new URL(all.origin).host },
  })
  const messages: { type: string; view?: string }[] = []
  let closeCode: number | null = null
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  socket.on('close', (code) => {
    closeCode = code
  })
  socket.on('error', () => {})
  await waitFor('the websocket is open', async () => ({
    done: messages.length > 0,
    value: null,
    seen: closeCode,
  }))
  return {
    messages,
    closed: (code: number) =>
      waitFor(`the websocket is closed with ${code}`, async () => ({
        done: closeCode === code,
        value: null,
        seen: [closeCode, messages.at(-1)],
      })),
    terminate: () => socket.terminate(),
  }
}

const statusOf = async (browser: Browser) => (await browser.api('GET', '/whoami')).status

test('Signing out ends the session at every server and closes its websockets', async () => {
  const browser = await all.signIn('dev1')
  const other = atSecond(browser)
  assert.equal(await statusOf(other), 200)
  const sockets = [await openSocket(browser), await openSocket(browser, second)]
  const answer = await browser.request('POST', '/auth/logout')
  assert.equal(answer.status, 200)
  const { location } = answer.body as { location: string }
  assert.ok(location.startsWith(`${all.provider.issuer}/session/end?`), location)
  for (const socket of sockets) await socket.closed(4401)
  await waitFor('the second server knows', async () => {
    const status = await statusOf(atSecond(other))
    return { done: status === 401, value: null, seen: status }
  })
})

test('An admin ends the session of somebody else, and nobody else can', async () => {
  const dev1 = await all.signIn('dev1')
  const dev2 = await all.signIn('dev2')
  const ada = await all.signIn('ada')
  const own = (await dev1.api('GET', '/sessions')).body as { session_id: number; is_current: boolean }[]
  const id = own.find(({ is_current }) => is_current)?.session_id
  assert.equal((await dev2.api('DELETE', `/sessions/${id}`)).status, 404)
  const all2 = await dev2.api('GET', '/sessions?all=true')
  assert.equal(all2.status, 403, all2.text)
  const everybody = (await ada.api('GET', '/sessions?all=true')).body as { session_id: number }[]
  assert.ok(everybody.some(({ session_id }) => session_id === id))
  const socket = await openSocket(dev1)
  assert.equal((await ada.api('DELETE', `/sessions/${id}`)).status, 200)
  await socket.closed(4401)
  assert.equal(await statusOf(dev1), 401)
  assert.equal(await statusOf(dev2), 200)
})

test('A lost group takes the role away and moves the websocket to what is left to see', async () => {
  const dev2 = await all.signIn('dev2')
  const socket = await openSocket(dev2)
  const before = socket.messages[0]?.view
  all.provider.accounts.set('dev2', { ...people.dev2, groups: ['guests'] })
  try {
    await waitFor('the role has changed', async () => {
      const { role } = (await dev2.api('GET', '/whoami')).body as { role: string }
      return { done: role === 'viewer', value: null, seen: role }
    })
    await waitFor('the websocket is told', async () => ({
      done: socket.messages.some(
        ({ type, view }) => type === 'resync' && view === 'all-hidden' && before !== view,
      ),
      value: null,
      seen: socket.messages,
    }))
    all.provider.accounts.set('dev2', { ...people.dev2, groups: [] })
    await socket.closed(4403)
  } finally {
    all.provider.accounts.set('dev2', { ...people.dev2 })
    socket.terminate()
  }
})

test('A removed person is out, with the next reading of the groups', async () => {
  const browser = await all.signIn('view1')
  all.provider.accounts.delete('view1')
  try {
    await waitFor('the session has ended', async () => {
      const status = await statusOf(browser)
      return { done: status === 401, value: null, seen: status }
    })
  } finally {
    all.provider.accounts.set('view1', { ...people.view1 })
  }
})

test('A session goes on while the provider does not answer the reading of the groups', async () => {
  const browser = await all.signIn('dev1')
  await all.provider.stop()
  try {
    const until = Date.now() + 4000
    while (Date.now() < until) assert.equal(await statusOf(browser), 200)
  } finally {
    await all.provider.start()
  }
})

test('A changed policy counts without a restart, also for open websockets; an invalid one is rejected', async () => {
  const dev1 = await all.signIn('dev1')
  const ada = await all.signIn('ada')
  const socket = await openSocket(dev1)
  const admin = createApiClient(all.origin)
  await all.writePolicy(policy.replace('names: [shop-*]', 'names: [pay-*]'))
  await waitFor('the policy counts', async () => {
    const answer = await dev1.api('GET', '/deployments/pay-1/full_info')
    return { done: answer.status === 404, value: null, seen: answer.text }
  })
  await waitFor('the websocket is told', async () => ({
    done: socket.messages.some(({ type }) => type === 'resync'),
    value: null,
    seen: socket.messages,
  }))
  const hello = socket.messages[0]?.view
  assert.notEqual(socket.messages.find(({ type }) => type === 'resync')?.view, hello)

  await all.writePolicy('version: 1\nrules: []\n')
  await waitFor('the file is rejected', async () => {
    const { problems } = (await ada.api('GET', '/policy')).body as { problems: string[] }
    return { done: problems.length === 1, value: null, seen: problems }
  })
  assert.equal((await dev1.api('GET', '/deployments/pay-1/full_info')).status, 404)
  const explained = (await ada.api('GET', '/policy/explain?as=dev1&right=archive&name=shop-1'))
    .body as Record<string, unknown>
  assert.equal(explained.allowed, false)
  assert.match(
    String(explained.message),
    /Dev One may not archive this deployment: the roles of Dev One are for pay-\*/,
  )
  // A server that starts now uses the policy that was accepted last.
  const third = await all.system.startServer({ PORT: '0' })
  assert.equal(
    (await createBrowserLike(dev1, third.url).api('GET', '/deployments/pay-1/full_info')).status,
    404,
  )
  await third.stop()
  await all.writePolicy(policy)
  await waitFor('the policy counts', async () => {
    const answer = await dev1.api('GET', '/deployments/shop-none/full_info')
    return { done: answer.status === 404, value: null, seen: answer.text }
  })
  assert.equal((await admin.api('GET', '/policy')).status, 200)
  socket.terminate()
})

function createBrowserLike(browser: Browser, url: string): Browser {
  const other = createBrowser(all.origin, url)
  for (const [name, value] of browser.cookies) other.cookies.set(name, value)
  return other
}

test('A shared credential is exchanged for a session, which ends when the credential is changed', async () => {
  const browser = all.browser()
  assert.equal(
    (await browser.request('POST', '/auth/session', undefined, { Authorization: 'Bearer wrong' })).status,
    401,
  )
  assert.equal(
    (
      await browser.request('POST', '/auth/session', undefined, {
        Authorization: 'Bearer old',
        Origin: 'http://evil.example',
      })
    ).status,
    403,
  )
  const made = await browser.request('POST', '/auth/session', undefined, { Authorization: 'Bearer old' })
  assert.equal(made.status, 200, made.text)
  const me = (await browser.api('GET', '/whoami')).body as Record<string, unknown>
  assert.deepEqual([me.actor, me.proof, me.role, me.has_session], ['user', 'shared', 'developer', true])
  const rotated = await all.system.startServer({
    PORT: '0',
    APP_AUTHORIZATION_HEADER: 'Bearer new',
    ANONYMOUS_ROLE: 'none',
  })
  assert.equal(await statusOf(createBrowserLike(browser, rotated.url)), 401)
  // A server that still knows the credential goes on: during a rotation both run.
  assert.equal(await statusOf(browser), 200)
  await rotated.stop()
})

test('Sign-ins, refused ones and rejected policies are counted', async () => {
  const counted = await all.system.startServer({ PORT: '0', METRICS_PORT: '0' })
  const browser = createBrowserLike(all.browser(), counted.url)
  await browser.request('POST', '/auth/session', undefined, { Authorization: 'Bearer new' })
  await browser.request('GET', '/auth/callback?code=x&state=y')
  const metrics = await (await fetch(`http://127.0.0.1:${counted.ready.metricsPort}/metrics`)).text()
  assert.match(metrics, /^octopod_sign_ins_total 1$/m)
  assert.match(metrics, /^octopod_failed_sign_ins_total 1$/m)
  assert.match(metrics, /^octopod_policy_rejected_total 0$/m)
  await counted.stop()
})

test('While PostgreSQL is unreachable, nobody is taken for signed out or anonymous', async () => {
  const proxy = await startTcpProxy(all.system.databaseUrl)
  const behind = await all.system.startServer({
    PORT: '0',
    DATABASE_URL: proxy.url,
    ANONYMOUS_ROLE: 'developer',
  })
  const browser = createBrowserLike(await all.signIn('dev1'), behind.url)
  const unknown = createBrowserLike(await all.signIn('dev1'), behind.url)
  assert.equal(await statusOf(browser), 200)
  proxy.freeze()
  const answer = await unknown.api('GET', '/whoami')
  assert.equal(answer.status, 503, answer.text)
  assert.ok(unknown.cookies.size > 0, 'the cookie stays')
  proxy.thaw()
  await waitFor('the session counts again', async () => {
    const status = await statusOf(unknown)
    return { done: status === 200, value: null, seen: status }
  })
  await behind.stop()
  await proxy.close()
})
