/** The text of access tokens: what scanners find, and what a server refuses without a query. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createTokenText,
  hashToken,
  isWellFormed,
  tokenOf,
} from '../../../../functions/auth/tokens/token-text.ts'

test('A token has a prefix that tells its kind, and a checksum', () => {
  for (const [kind, pattern] of [
    ['personal', /^octopod_pat_[0-9A-Za-z]{42}$/],
    ['service', /^octopod_svc_[0-9A-Za-z]{42}$/],
  ] as const) {
    const token = createTokenText(kind)
    assert.match(token, pattern)
    assert.ok(isWellFormed(token))
    assert.notEqual(createTokenText(kind), token)
    assert.equal(tokenOf(`Bearer ${token}`), token)
    assert.equal(tokenOf(`bearer  ${token}`), token)
  }
  assert.equal(hashToken('a').length, 64)
})

test('A changed, cut or extended token is not whole', () => {
  const token = createTokenText('personal')
  const change = fc.tuple(fc.integer({ min: 12, max: token.length - 1 }), fc.constantFrom(...'0aZ9_-*'))
  fc.assert(
    fc.property(change, ([at, letter]) => {
      const changed = token.slice(0, at) + letter + token.slice(at + 1)
      assert.equal(isWellFormed(changed), changed === token)
    }),
  )
  for (let length = 0; length < token.length; length += 1) assert.ok(!isWellFormed(token.slice(0, length)))
  assert.ok(!isWellFormed(`${token}0`))
  assert.ok(!isWellFormed(token.replace('_pat_', '_svc_')))
})

test('Other credentials are no tokens', () => {
  for (const header of [
    null,
    undefined,
    '',
    'Bearer',
    'Bearer octopod',
    'Basic octopod_pat_x',
    'Bearer ghp_x octopod_pat_x',
  ])
    assert.equal(tokenOf(header), null, String(header))
})
