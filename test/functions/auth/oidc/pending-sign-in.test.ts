/** The value of the cookie of a sign-in, and the paths to which it may return. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { safeReturnTo } from '../../../../domain/access/return-to.ts'
import { decodePendingSignIn, encodePendingSignIn } from '../../../../functions/auth/oidc/pending-sign-in.ts'

const origin = 'https://octopod.example.com'
const pending = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) }

test('A pending sign-in survives the cookie', () => {
  const value = encodePendingSignIn({ ...pending, returnTo: '/deployments/a?tab=output#end' })
  assert.match(value, /^[\w-]+$/)
  assert.deepEqual(decodePendingSignIn(value, origin), {
    ...pending,
    returnTo: '/deployments/a?tab=output#end',
  })
})

test('A cookie that was changed or made by somebody else is no pending sign-in', () => {
  const encode = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url')
  for (const value of [
    '',
    null,
    undefined,
    'x',
    '%',
    `${encode({ ...pending, returnTo: '/' })};`,
    encode(null),
    encode([]),
    encode(pending),
    encode({ ...pending, returnTo: '/', more: 1 }),
    encode({ ...pending, state: 'short', returnTo: '/' }),
    encode({ ...pending, nonce: 7, returnTo: '/' }),
    encode({ ...pending, returnTo: `/${'x'.repeat(10_000)}` }),
  ])
    assert.equal(decodePendingSignIn(value, origin), null, String(value))
  const elsewhere = encode({ ...pending, returnTo: '//evil.example.com' })
  assert.equal(decodePendingSignIn(elsewhere, origin)?.returnTo, '/')
})

test('A cookie stays below the limit of browsers', () => {
  const returnTo = safeReturnTo(`/?${'\\'.repeat(1900)}`, origin)
  const value = encodePendingSignIn({ ...pending, returnTo })
  assert.ok(value.length <= 3500)
  assert.equal(decodePendingSignIn(value, origin)?.returnTo, '/')
})

test('A return goes to a path of our own, else to the start', () => {
  for (const path of [
    '/',
    '/deployments/a',
    '/?search=x%20y',
    '/a#b',
    '/a?next=https://evil.example.com',
    '/authors',
  ])
    assert.equal(safeReturnTo(path, origin), path)
  for (const text of [
    null,
    undefined,
    '',
    'deployments',
    '//evil.example.com',
    '//evil.example.com/path',
    '///evil.example.com',
    '/\\evil.example.com',
    '\\\\evil.example.com',
    '/.//evil.example.com',
    '/a/..//evil.example.com',
    '/a/..\\\\evil.example.com',
    '/%2e//evil.example.com',
    '/\t/evil.example.com',
    '/\n/evil.example.com',
    ' //evil.example.com',
    'https://evil.example.com/',
    'http:evil',
    'javascript:alert(1)',
    '/auth/login',
    '/auth',
    '/x/../auth/logout?y',
    `/${'x'.repeat(2000)}`,
    `/${'ü'.repeat(500)}`,
  ])
    assert.equal(safeReturnTo(text, origin), '/', String(text))
})

test('Below a path, only paths below it are accepted, and the others lead to its first page', () => {
  const address = `${origin}/octopod`
  for (const path of ['/octopod/', '/octopod/deployments/x?output=1#L3', '/octopod/authors'])
    assert.equal(safeReturnTo(path, address), path)
  for (const path of [
    null,
    '/',
    '/octopod',
    '/octopods/',
    '/octopod/../x',
    '/octopod/%2e%2e/x',
    '/octopod/auth/login',
  ])
    assert.equal(safeReturnTo(path, address), '/octopod/', String(path))
})

test('Whatever is asked for, the result stays at our origin', () => {
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '/',
          '\\',
          '.',
          '..',
          '//',
          ':',
          '@',
          '?',
          '#',
          '%2f',
          '%5c',
          '%2e',
          '\t',
          '\n',
          'http:',
          'evil.example.com',
          'javascript:',
          '[',
          ' ',
        ),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''))
  for (const ours of [origin, 'http://localhost:8080'])
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          hostile.map((text) => `/${text}`),
          fc.webUrl(),
        ),
        (text) => {
          const result = safeReturnTo(text, ours)
          assert.ok(result.startsWith('/') && result.length <= 2000)
          assert.equal(new URL(result, ours).origin, ours)
          assert.equal(new URL(result, `${ours}/auth/callback?code=x`).origin, ours)
          assert.equal(safeReturnTo(result, ours), result)
          assert.doesNotMatch(result, /\p{Cc}/u)
        },
      ),
      { numRuns: 5000 },
    )
})
