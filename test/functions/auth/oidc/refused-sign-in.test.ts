/** What a sign-in refuses: callbacks that do not fit, and answers of the provider that do not hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signInWithFetch, type TamperedToken } from '../../../helpers/oidc/oidc-provider.ts'
import { assertRejects, callbackUri, setUp, signIn } from './fixtures.ts'

const withClaims =
  (claims: Record<string, unknown>) =>
  (token: TamperedToken): TamperedToken => ({ ...token, claims: { ...token.claims, ...claims } })

test('A callback without a start, with another state or without a code is refused without a request', async (context) => {
  const { provider, oidc } = await setUp(context)
  const { location, pending } = await oidc().startSignIn()
  const callback = await signInWithFetch(location, 'anna')
  const client = oidc()
  const requests = provider.requests.length
  await assertRejects(client.finishSignIn(callback, null), 'sign_in_expired')
  const other = (await oidc().startSignIn()).pending
  await assertRejects(client.finishSignIn(callback, other), 'sign_in_expired')
  await assertRejects(client.finishSignIn(new URL(callbackUri), pending), 'sign_in_expired')
  const withoutCode = new URL(callback)
  withoutCode.searchParams.delete('code')
  await assertRejects(client.finishSignIn(withoutCode, pending), 'sign_in_expired')
  assert.equal(provider.requests.length, requests + 1, 'only the discovery of the other start')
})

test('A code that was used, is unknown or belongs to another verifier is refused', async (context) => {
  const { oidc } = await setUp(context)
  const client = oidc()
  const { location, pending } = await client.startSignIn()
  const callback = await signInWithFetch(location, 'anna')
  await client.finishSignIn(callback, pending)
  await assertRejects(client.finishSignIn(callback, pending), 'sign_in_expired')
  callback.searchParams.set('code', 'unknown')
  await assertRejects(client.finishSignIn(callback, pending), 'sign_in_expired')

  const second = await client.startSignIn()
  const secondCallback = await signInWithFetch(second.location, 'anna')
  const codeVerifier = second.pending.codeVerifier.toUpperCase()
  await assertRejects(
    client.finishSignIn(secondCallback, { ...second.pending, codeVerifier }),
    'sign_in_expired',
  )
})

test('A parameter that is sent twice and the issuer of another provider are refused', async (context) => {
  const { oidc } = await setUp(context)
  const client = oidc()
  const { location, pending } = await client.startSignIn()
  const callback = await signInWithFetch(location, 'anna')
  const twice = new URL(`${callback}&state=${pending.state}`)
  await assertRejects(client.finishSignIn(twice, pending), 'bad_provider_response')
  callback.searchParams.set('iss', 'https://other.example.com')
  await assertRejects(client.finishSignIn(callback, pending), 'bad_provider_response')
})

test('A person who cancels is told so; the text of the provider reaches only the log, without tokens', async (context) => {
  const { oidc } = await setUp(context)
  const client = oidc()
  const { location, pending } = await client.startSignIn()
  const callback = await signInWithFetch(location, 'anna', { cancel: true })
  const error = await assertRejects(client.finishSignIn(callback, pending), 'sign_in_denied')
  assert.match(error.detail, /access_denied/)
  assert.match(error.detail, /The person cancelled/)
  callback.searchParams.set('error_description', `<script>\n\u202e ${'a1'.repeat(30)}`)
  const other = await assertRejects(client.finishSignIn(callback, pending), 'sign_in_denied')
  assert.doesNotMatch(other.message, /script/)
  assert.doesNotMatch(other.detail, /\n|\u202e|a1a1/)
})

for (const [title, claims] of Object.entries({
  'another nonce': { nonce: 'n'.repeat(43) },
  'no nonce': { nonce: undefined },
  'another audience': { aud: 'other' },
  'a second audience without us as authorized party': { aud: ['octopod', 'other'], azp: 'other' },
  'another issuer': { iss: 'https://other.example.com' },
  'no subject': { sub: undefined },
  'an empty subject': { sub: '' },
  'a subject beyond the limit': { sub: 'x'.repeat(256) },
  'a subject that cannot be stored': { sub: 'anna\u0000' },
  'an end in the past': { exp: 1_000_000_000 },
  'a start in the future': { nbf: 9_000_000_000 },
  'an old date of issue': { iat: Math.floor(Date.now() / 1000) - 3600 },
}))
  test(`An ID token with ${title} is refused`, async (context) => {
    const { provider, oidc } = await setUp(context)
    provider.tamper(withClaims(claims))
    await assertRejects(signIn(oidc()), 'bad_provider_response')
    provider.tamper(null)
    assert.equal((await signIn(oidc())).subject, 'anna')
  })

test('An ID token that is unsigned or signed with a key of somebody else is refused', async (context) => {
  const { provider, oidc } = await setUp(context)
  for (const signedBy of ['none', 'foreign_key'] as const) {
    provider.tamper(null)
    const { refreshToken, issuer, subject } = await signIn(oidc())
    provider.tamper((token) => ({ ...token, signedBy }))
    await assertRejects(signIn(oidc()), 'bad_provider_response')
    await assertRejects(oidc().refresh(refreshToken ?? '', { issuer, subject }), 'bad_provider_response')
  }
})

test('A clock that differs by 50 seconds is accepted, one that differs by 120 is not', async (context) => {
  const { provider, oidc } = await setUp(context, { idTokenLifetimeSeconds: 30 })
  for (const seconds of [50, -50]) {
    provider.setClockSkew(seconds)
    assert.equal((await signIn(oidc())).subject, 'anna')
  }
  for (const seconds of [120, -120]) {
    provider.setClockSkew(seconds)
    await assertRejects(signIn(oidc()), 'bad_provider_response')
  }
  provider.setClockSkew(0)
  for (const skewMs of [50_000, -50_000])
    assert.equal((await signIn(oidc({ now: () => Date.now() + skewMs }))).subject, 'anna')
  for (const skewMs of [120_000, -120_000])
    await assertRejects(signIn(oidc({ now: () => Date.now() + skewMs })), 'bad_provider_response')
})

test('The reference that Entra sends instead of many groups is recognised, also at a refresh', async (context) => {
  const { provider, oidc } = await setUp(context)
  const client = oidc()
  const { refreshToken, issuer, subject } = await signIn(client)
  provider.tamper(
    withClaims({
      groups: undefined,
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.example.com/users/1/getMemberObjects' } },
    }),
  )
  const error = await assertRejects(signIn(client), 'groups_missing')
  assert.match(error.message, /too many/)
  await assertRejects(client.refresh(refreshToken ?? '', { issuer, subject }), 'groups_missing')
  assert.deepEqual((await signIn(oidc({ groupsClaim: 'roles' }))).groups, [], 'roles have no such limit')
})

test('A wrong secret of the client is reported to the operator, not to the person', async (context) => {
  const { oidc } = await setUp(context)
  const error = await assertRejects(signIn(oidc({ clientSecret: 'wrong' })), 'bad_provider_response')
  assert.match(error.detail, /OIDC_CLIENT_SECRET/)
  assert.doesNotMatch(error.message, /OIDC/)
})
