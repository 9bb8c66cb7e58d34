/** Sign-in with a real provider: the whole flow, refresh and logout. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signInWithFetch } from '../../../helpers/oidc/oidc-provider.ts'
import { assertRejects, callbackUri, setUp, signIn } from './fixtures.ts'

test('A person signs in with name, e-mail, groups and a refresh token', async (context) => {
  const { provider, oidc } = await setUp(context)
  const { location, pending } = await oidc().startSignIn()
  const query = new URL(location).searchParams
  assert.equal(query.get('code_challenge_method'), 'S256')
  assert.equal(query.get('scope'), 'openid profile email offline_access')
  assert.equal(query.get('state'), pending.state)
  assert.equal(query.get('nonce'), pending.nonce)
  const { refreshToken, idToken, ...person } = await signIn(oidc())
  assert.deepEqual(person, {
    issuer: provider.issuer,
    subject: 'anna',
    displayName: 'Anna Berg',
    email: 'anna@example.com',
    groups: ['dev', 'ops'],
  })
  assert.ok(refreshToken && idToken)
})

test('Two sign-ins at a time fetch discovery and keys once', async (context) => {
  const { provider, oidc } = await setUp(context)
  const one = oidc()
  await Promise.all([signIn(one), signIn(one)])
  const count = (path: string) => provider.requests.filter((request) => request === path).length
  assert.equal(count('/.well-known/openid-configuration'), 1)
  assert.equal(count('/jwks'), 1)
  assert.equal(count('/me'), 0, 'userinfo is not needed')
})

test('A public client without a secret signs in', async (context) => {
  const { provider, oidc } = await setUp(context)
  const person = await signIn(oidc({ clientId: provider.publicClientId, clientSecret: undefined }))
  assert.equal(person.subject, 'anna')
})

test('A callback behind a proxy that changed its origin is accepted', async (context) => {
  const { oidc } = await setUp(context)
  const { location, pending } = await oidc().startSignIn()
  const { search } = await signInWithFetch(location, 'anna')
  const person = await oidc().finishSignIn(new URL(`http://10.0.0.1:8080/auth/callback${search}`), pending)
  assert.equal(person.subject, 'anna')
})

test('Claims that the ID token lacks come from userinfo', async (context) => {
  const { provider, oidc } = await setUp(context, { claimsInIdToken: false })
  const person = await signIn(oidc())
  assert.equal(person.displayName, 'Anna Berg')
  assert.deepEqual(person.groups, ['dev', 'ops'])
  assert.ok(provider.requests.includes('/me'))
})

test('A person without a name and e-mail is shown by the subject', async (context) => {
  const { provider, oidc } = await setUp(context)
  provider.accounts.set('anna', {})
  const person = await signIn(oidc())
  assert.equal(person.displayName, 'anna')
  assert.equal(person.email, null)
  assert.deepEqual(person.groups, [])
})

test('A person with 10,000 groups signs in, and only the relevant groups are kept', async (context) => {
  const { provider, oidc } = await setUp(context)
  const groups = Array.from({ length: 10_000 }, (_, index) => `department-${index}-of-the-company`)
  provider.accounts.set('anna', { name: 'Anna', groups })
  const isRelevantGroup = (group: string) => group === 'department-9999-of-the-company'
  const person = await signIn(oidc({ isRelevantGroup, allowedGroups: ['department-7-of-the-company'] }))
  assert.deepEqual(person.groups, ['department-9999-of-the-company'])
  assert.equal(person.idToken, null, 'it would not fit into a URL')
  const end = await oidc().endSessionUrl(person.idToken, callbackUri)
  assert.ok(end?.includes('client_id=octopod'))
})

test('Without one of the allowed groups nobody signs in', async (context) => {
  const { oidc } = await setUp(context)
  assert.equal((await signIn(oidc({ allowedGroups: ['ops'] }))).subject, 'anna')
  await assertRejects(signIn(oidc({ allowedGroups: ['admins'] })), 'not_in_allowed_groups')
})

test('A refresh gives the present groups and the next refresh token', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc()
  const { refreshToken: first, issuer, subject } = await signIn(client)
  provider.accounts.set('anna', { name: 'Anna Berg', email: 'anna@example.com', groups: ['dev'] })
  const second = await client.refresh(first ?? '', { issuer, subject })
  assert.deepEqual(second.groups, ['dev'])
  assert.equal(second.displayName, 'Anna Berg')
  assert.ok(second.refreshToken && second.refreshToken !== first)
  const third = await client.refresh(second.refreshToken, { issuer, subject })
  assert.ok(third.refreshToken)
})

test('A refresh token that was used ends the session', async (context) => {
  const { oidc } = await setUp(context)
  const client = oidc()
  const { refreshToken, issuer, subject } = await signIn(client)
  await client.refresh(refreshToken ?? '', { issuer, subject })
  await assertRejects(client.refresh(refreshToken ?? '', { issuer, subject }), 'session_ended')
})

test('A person who was removed or lost the allowed group is refused at the next refresh', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc({ allowedGroups: ['dev'] })
  const { refreshToken, issuer, subject } = await signIn(client)
  provider.accounts.set('anna', { groups: ['other'] })
  await assertRejects(client.refresh(refreshToken ?? '', { issuer, subject }), 'not_in_allowed_groups')
  provider.accounts.set('anna', { groups: ['dev'] })
  const again = await signIn(client)
  provider.accounts.delete('anna')
  await assertRejects(client.refresh(again.refreshToken ?? '', { issuer, subject }), 'session_ended')
})

test('Another subject or issuer at a refresh ends the session', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc()
  const { refreshToken, issuer, subject } = await signIn(client)
  const tokenRequests = provider.requests.length
  await assertRejects(
    client.refresh(refreshToken ?? '', { issuer: 'https://old.example.com', subject }),
    'session_ended',
  )
  assert.equal(provider.requests.length, tokenRequests, 'the token is not sent to another provider')
  provider.tamper((token) => ({ ...token, claims: { ...token.claims, sub: 'mallory' } }))
  await assertRejects(client.refresh(refreshToken ?? '', { issuer, subject }), 'session_ended')
})

test('The session at the provider ends through its own address', async (context) => {
  const { provider, oidc } = await setUp(context)
  provider.allowRedirects(callbackUri, 'http://localhost/')
  const client = oidc()
  const { idToken } = await signIn(client)
  const location = new URL((await client.endSessionUrl(idToken, 'http://localhost/')) ?? '')
  assert.equal(location.origin, provider.issuer)
  assert.equal(location.searchParams.get('post_logout_redirect_uri'), 'http://localhost/')
  assert.equal((await fetch(location)).status, 200)
})

test('A refresh without an ID token asks userinfo, and without userinfo leaves the person unchanged', async (context) => {
  const { provider, oidc } = await setUp(context)
  const { issuer } = provider
  const expected = { issuer, subject: 'anna' }
  const answerWith = (path: string, body: object) =>
    provider.respond(path, (_request, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body)),
    )
  answerWith('/token', { access_token: 'a', token_type: 'bearer' })
  answerWith('/me', { sub: 'anna', name: 'Anna', groups: ['dev'] })
  const person = { groups: ['dev'], displayName: 'Anna', email: null }
  assert.deepEqual(await oidc().refresh('first', expected), { ...person, refreshToken: 'first' })
  answerWith('/me', { sub: 'mallory', groups: ['admins'] })
  await assertRejects(oidc().refresh('first', expected), 'session_ended')

  const discoveryPath = '/.well-known/openid-configuration'
  const document = (await (await fetch(`${issuer}${discoveryPath}`)).json()) as object
  answerWith(discoveryPath, { ...document, userinfo_endpoint: undefined })
  const unchanged = { groups: null, displayName: null, email: null }
  assert.deepEqual(await oidc().refresh('first', expected), { ...unchanged, refreshToken: 'first' })
})
