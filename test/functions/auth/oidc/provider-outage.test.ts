/** A provider that is stopped, silent, slow, too talkative or misconfigured, and one that changes its keys. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOidcProvider } from '../../../../functions/auth/oidc/provider.ts'
import { signInWithFetch, type TestOidcProvider } from '../../../helpers/oidc/oidc-provider.ts'
import { assertRejects, callbackUri, setUp, signIn } from './fixtures.ts'

const discoveryPath = '/.well-known/openid-configuration'
const count = (provider: TestOidcProvider, path: string) =>
  provider.requests.filter((request) => request === path).length

test('While the provider is stopped, every call says so, and works again when it is back', async (context) => {
  const { provider, oidc } = await setUp(context)
  const [fresh, used] = [oidc(), oidc()]
  const { refreshToken, issuer, subject } = await signIn(used)
  const { location, pending } = await used.startSignIn()
  const callback = await signInWithFetch(location, 'anna')
  await provider.stop()
  const error = await assertRejects(fresh.startSignIn(), 'provider_unreachable')
  assert.match(error.detail, /^GET .*openid-configuration failed/)
  await assertRejects(used.finishSignIn(callback, pending), 'provider_unreachable')
  await assertRejects(used.refresh(refreshToken ?? '', { issuer, subject }), 'provider_unreachable')
  assert.equal(await fresh.endSessionUrl(null, callbackUri), null)
  await provider.start()
  assert.equal((await signIn(fresh)).subject, 'anna')
  assert.equal((await used.finishSignIn(callback, pending)).subject, 'anna')
  assert.ok((await used.refresh(refreshToken ?? '', { issuer, subject })).refreshToken)
})

for (const path of [discoveryPath, '/token', '/jwks', '/me'])
  test(`A sign-in ends in time when ${path} never answers or never ends its answer`, async (context) => {
    const { provider, oidc } = await setUp(context, { claimsInIdToken: false })
    for (const answer of ['', '{"issuer":']) {
      provider.respond(path, (_request, response) => {
        if (answer) response.setHeader('content-type', 'application/json').write(answer)
      })
      await assertRejects(signIn(oidc({ timeoutMs: 700 })), 'provider_unreachable')
    }
  })

test('Concurrent callers share one discovery, also a failing one, and the next caller tries again', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc()
  provider.respond(discoveryPath, (_request, response) => response.writeHead(503).end())
  const calls = Array.from({ length: 5 }, () => assertRejects(client.startSignIn(), 'provider_unreachable'))
  await Promise.all(calls)
  assert.equal(count(provider, discoveryPath), 1)
  provider.respond(discoveryPath, null)
  await Promise.all(Array.from({ length: 5 }, () => client.startSignIn()))
  assert.equal(count(provider, discoveryPath), 2)
})

test('Discovery is read again after an hour', async (context) => {
  const { provider, oidc } = await setUp(context)
  let nowMs = Date.now()
  const client = oidc({ now: () => nowMs })
  await client.startSignIn()
  nowMs += 3_599_000
  await client.startSignIn()
  assert.equal(count(provider, discoveryPath), 1)
  nowMs += 1000
  await client.startSignIn()
  assert.equal(count(provider, discoveryPath), 2)
})

for (const path of [discoveryPath, '/jwks', '/token'])
  test(`An answer of 10 MB at ${path} is refused`, async (context) => {
    const { provider, oidc } = await setUp(context)
    provider.respond(path, (_request, response) =>
      response.setHeader('content-type', 'application/json').end(`{"issuer":"${'x'.repeat(10_000_000)}"}`),
    )
    const error = await assertRejects(signIn(oidc()), 'bad_provider_response')
    assert.match(error.detail, /more than 2097152 bytes/)
  })

test('A page instead of the discovery document, or none at all, is no answer to accept', async (context) => {
  const { provider, oidc } = await setUp(context)
  provider.respond(discoveryPath, (_request, response) => response.end('<html>'))
  await assertRejects(oidc().startSignIn(), 'bad_provider_response')
  provider.respond(discoveryPath, (_request, response) => response.writeHead(404).end())
  await assertRejects(oidc().startSignIn(), 'bad_provider_response')
})

test('A discovery document of another issuer, of all tenants or with addresses without https is refused', async (context) => {
  const { provider, oidc } = await setUp(context)
  const original = (await (await fetch(`${provider.issuer}${discoveryPath}`)).json()) as object
  const respondWith = (changes: object, path = discoveryPath) =>
    provider.respond(path, (_request, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...original, ...changes })),
    )
  respondWith({ issuer: 'https://other.example.com' })
  await assertRejects(oidc().startSignIn(), 'bad_provider_response')
  const issuer = `${provider.issuer}/{tenantid}`
  respondWith({ issuer }, `/%7Btenantid%7D${discoveryPath}`)
  const template = await assertRejects(oidc({ issuer }).startSignIn(), 'bad_provider_response')
  assert.match(template.detail, /one tenant/)
  respondWith({ jwks_uri: undefined })
  await assertRejects(oidc().startSignIn(), 'bad_provider_response')
  respondWith({ token_endpoint: 'http://192.0.2.1/token' })
  const error = await assertRejects(signIn(oidc()), 'bad_provider_response')
  assert.match(error.detail, /without https: http:\/\/192\.0\.2\.1/)
})

test('An issuer without https is asked only on this machine', async () => {
  const client = createOidcProvider({
    issuer: 'http://192.0.2.1',
    clientId: 'octopod',
    clientSecret: undefined,
    scopes: 'openid',
    groupsClaim: 'groups',
    allowedGroups: [],
    redirectUri: callbackUri,
  })
  const error = await assertRejects(client.startSignIn(), 'bad_provider_response')
  assert.match(error.detail, /loopback/)
})

test('Rotated keys work at once, and the keys are fetched only once for them', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc()
  const { refreshToken, issuer, subject } = await signIn(client)
  await provider.rotateKeys()
  await signIn(client)
  assert.equal(count(provider, '/jwks'), 2)
  await Promise.all(Array.from({ length: 10 }, () => signIn(client)))
  assert.equal(count(provider, '/jwks'), 2)
  await provider.rotateKeys()
  assert.ok((await client.refresh(refreshToken ?? '', { issuer, subject })).refreshToken)
})
