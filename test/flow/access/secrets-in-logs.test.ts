/** What nobody may find in the log of a server or in an answer: whatever lets somebody act as somebody else. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import type { ApiResponse } from '../../helpers/api-client.ts'
import { signInWithFetch } from '../../helpers/oidc/oidc-provider.ts'
import {
  type Browser,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { adminHeader } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

const userHeader = 'Bearer the-users-of-the-log'

let all: SignedInSystem
before(async () => {
  all = await startSignedInSystem(
    { APP_AUTHORIZATION_HEADER: userHeader, LOG_LEVEL: 'debug', OIDC_REFRESH_INTERVAL: '1' },
    { runner: false },
  )
})
after(() => all?.stop())

/** What must not be seen, with its kind. */
const secrets = new Map<string, string>()
const answers: { what: string; text: string }[] = []

function keep(kind: string, value: string | null | undefined): void {
  // A shorter text could stand somewhere by chance.
  if (value && value.length >= 8) secrets.set(value, kind)
}

function keepCookies(browser: Browser): void {
  for (const [name, value] of browser.cookies) {
    keep(name.includes('-login-') ? 'cookie of a sign-in' : 'cookie of a session', value)
    if (!name.includes('-login-')) continue
    const pending = JSON.parse(Buffer.from(value, 'base64url').toString()) as Record<string, string>
    for (const key of ['state', 'nonce', 'codeVerifier']) keep(key, pending[key])
  }
}

async function call(browser: Browser, ...request: Parameters<Browser['request']>): Promise<ApiResponse> {
  const answer = await browser.request(...request)
  keepCookies(browser)
  const headers = [...answer.headers].filter(([name]) => name !== 'set-cookie' && name !== 'location')
  const [method, path] = request
  answers.push({ what: `${method} ${path.split('?')[0]}`, text: JSON.stringify(headers) + answer.text })
  return answer
}

async function startSignIn(browser: Browser, subject: string): Promise<string> {
  const start = await call(browser, 'GET', '/auth/login')
  const back = await signInWithFetch(start.headers.get('location') ?? '', subject)
  for (const name of ['code', 'state']) keep(name, back.searchParams.get(name))
  return back.pathname + back.search
}

async function signIn(subject: string): Promise<Browser> {
  const browser = all.browser()
  const back = await startSignIn(browser, subject)
  assert.equal((await call(browser, 'GET', back)).status, 303)
  return browser
}

/** A provider whose error repeats everything that it was sent. */
function repeatRequest(request: IncomingMessage, response: ServerResponse): void {
  let body = ''
  request.on('data', (bytes) => {
    body += bytes
  })
  request.on('end', () => {
    const said = `${body} ${new URLSearchParams(body)} ${request.headers.authorization}`
    response.statusCode = 400
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ error: 'invalid_request', error_description: said, error_uri: said }))
  })
}

const html = { Accept: 'text/html' }

test('No log line and no answer holds a cookie, code, state, token or secret', async () => {
  for (const one of [all.provider.clientSecret, encodeURIComponent(all.provider.clientSecret)])
    keep('client secret', one)
  keep('admin header', adminHeader)
  keep('user header', userHeader)

  // Ordinary life, then everything that fails.
  const dev1 = await signIn('dev1')
  const socket = await connectWebSocket(all.origin, [], {
    headers: { Cookie: dev1.cookieHeader(), Origin: all.origin },
  })
  for (const path of ['/api/v1/whoami', '/api/v1/sessions', '/config.json', '/api/v1/deployments'])
    assert.equal((await call(dev1, 'GET', path)).status, 200, path)
  const known = all.provider.requests.length
  await waitFor('the groups are read again', async () => {
    await call(dev1, 'GET', '/api/v1/whoami')
    const asked = all.provider.requests.slice(known).includes('/token')
    return { done: asked, value: null, seen: all.provider.requests.slice(known) }
  })

  const shared = all.browser()
  const wrong = { Authorization: 'Bearer a-wrong-credential' }
  keep('wrong header', wrong.Authorization)
  assert.equal((await call(shared, 'POST', '/auth/session', undefined, wrong)).status, 401)
  const byHeader = { Authorization: userHeader }
  assert.equal((await call(shared, 'POST', '/auth/session', undefined, byHeader)).status, 200)
  assert.equal((await call(shared, 'GET', '/api/v1/whoami')).status, 200)

  const browser = all.browser()
  const back = await startSignIn(browser, 'dev2')
  const otherState = back.replace(/state=[^&]*/, `state=${'S'.repeat(43)}`)
  keep('state', 'S'.repeat(43))
  await call(browser, 'GET', otherState, undefined, html)
  await call(browser, 'GET', otherState)
  assert.equal((await call(browser, 'GET', back, undefined, html)).status, 303)
  await call(browser, 'GET', back, undefined, html)
  await call(browser, 'GET', back)

  for (const change of [
    { nonce: 'another' },
    { aud: 'another-client' },
    { iss: 'https://elsewhere.example' },
    { exp: 1 },
    { sub: '' },
  ]) {
    all.provider.tamper(({ claims, signedBy }) => ({ claims: { ...claims, ...change }, signedBy }))
    const victim = all.browser()
    const refused = await call(victim, 'GET', await startSignIn(victim, 'dev1'), undefined, html)
    assert.match(refused.headers.get('location') ?? '', /^\/sign-in\?error=/)
    assert.equal(victim.sessionId(), undefined)
  }
  all.provider.tamper(null)

  all.provider.respond('/token', repeatRequest)
  for (const accept of [html, {}]) {
    const victim = all.browser()
    await call(victim, 'GET', await startSignIn(victim, 'dev1'), undefined, accept)
    assert.equal(victim.sessionId(), undefined)
  }
  // The groups cannot be read either.
  await waitFor('a refresh has failed', async () => {
    await call(dev1, 'GET', '/api/v1/whoami')
    const seen = all.system.server.lines.filter((line) => line.includes('groups not read again'))
    return { done: seen.length > 0, value: null, seen }
  })
  all.provider.respond('/token', null)

  await all.provider.stop()
  const late = all.browser()
  await call(late, 'GET', '/auth/login', undefined, html)
  await all.provider.start()

  for (const cookie of ['D'.repeat(43), dev1.sessionId()]) {
    const [[name] = ['']] = [...dev1.cookies]
    keep('cookie of a session', cookie)
    await call(all.browser(), 'GET', '/api/v1/whoami', undefined, {
      Cookie: `${name}=${cookie}; ${name}=${cookie}`,
    })
    await call(all.browser(), 'DELETE', '/api/v1/deployments/shop-1', undefined, {
      Cookie: `${name}=${cookie}`,
      Origin: null,
    })
  }
  assert.equal((await call(dev1, 'POST', '/auth/logout')).status, 200)
  await waitFor('the websocket is closed', async () => ({
    done: socket.closeCode() === 4401,
    value: null,
    seen: socket.closeCode(),
  }))
  for (const token of all.provider.givenTokens) keep('token', token)

  const kinds = new Set(secrets.values())
  assert.deepEqual([...kinds].sort(), [
    'admin header',
    'client secret',
    'code',
    'codeVerifier',
    'cookie of a session',
    'cookie of a sign-in',
    'nonce',
    'state',
    'token',
    'user header',
    'wrong header',
  ])
  const lines = all.system.server.lines
  assert.ok(lines.length > 50, `${lines.length} lines`)
  for (const [secret, kind] of secrets) {
    const said = lines.find((line) => piecesOf(secret).some((piece) => line.includes(piece)))
    assert.equal(said, undefined, `a log line holds a ${kind}: ${said}`)
    // The page that signs out of the provider needs the ID token.
    const told = answers.find(({ what, text }) => what !== 'POST /auth/logout' && text.includes(secret))
    assert.equal(told, undefined, `the answer to ${told?.what} holds a ${kind}: ${told?.text}`)
  }
})

/** Log lines may be cut. */
const piecesOf = (secret: string): string[] =>
  secret.length < 40 ? [secret] : (secret.match(/.{20}/g) ?? [])
