/** The redactor masks secrets wherever the output is cut into pieces, and delays no other text. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRedactor, secretValues } from '../../../runner/output/redact.ts'

function redact(secrets: readonly string[], ...pieces: string[]): string {
  const redactor = createRedactor(secrets)
  return pieces.map((piece) => redactor.push(piece)).join('') + redactor.end()
}

/** The rule as one regular expression: the leftmost match wins, then the longest. */
function redactByRule(secrets: readonly string[], text: string): string {
  const maskable = secrets.filter((secret) => secret.length >= 4).sort((a, b) => b.length - a.length)
  if (maskable.length === 0) return text
  return text.replace(new RegExp(maskable.join('|'), 'g'), '***')
}

/** Few different letters, so that secrets overlap and repeat often. None is special in a regular expression. */
const textArbitrary = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀'), minLength, maxLength })

suite('A redactor', () => {
  test('masks every occurrence', () => {
    assert.equal(redact(['hunter22'], 'a hunter22 b hunter22hunter22'), 'a *** b ******')
  })

  test('masks a secret that is cut across pieces, even into single characters', () => {
    assert.equal(redact(['hunter22'], ...'a hunter22 b hunter2'), 'a *** b hunter2')
  })

  test('masks the longest of the secrets with the same start', () => {
    assert.equal(redact(['pass', 'password', 'word'], 'a password, a pass, a passw'), 'a ***, a ***, a ***w')
    assert.equal(redact(['pass', 'password'], 'passwor'), '***wor')
  })

  test('masks each long line of a secret with several lines', () => {
    const key = '-----BEGIN-----\nMIIEvQIBADANBg\n}\n-----END-----\n'
    assert.equal(redact([key], 'key: MIIEvQIBADANBg } -----END-----'), 'key: *** } ***')
    assert.equal(redact([key], `all: ${key}`), 'all: ***')
  })

  test('does not mask short values', () => {
    assert.equal(redact(['on', 'dev', ''], 'on dev console'), 'on dev console')
  })

  test('does not interpret secrets as patterns', () => {
    assert.equal(redact(['a.*+?^(){}|[]\\$'], 'a.*+?^(){}|[]\\$ abc'), '*** abc')
  })

  test('delays only text that could be the start of a secret', () => {
    const redactor = createRedactor(['secret-value'])
    assert.equal(redactor.push('Password: '), 'Password: ')
    assert.equal(redactor.push('a sec'), 'a ')
    assert.equal(redactor.push('ond'), 'second')
    assert.equal(redactor.push('s'), '')
    assert.equal(redactor.end(), 's')
  })

  test('returns the same text however it is cut, and delays less than the longest secret', () => {
    fc.assert(
      fc.property(
        fc.array(textArbitrary(0, 9), { maxLength: 5 }),
        fc.array(textArbitrary(0, 12), { maxLength: 12 }),
        (secrets, pieces) => {
          const redactor = createRedactor(secrets)
          const longest = Math.max(1, ...secrets.map((secret) => secret.length))
          let shown = ''
          for (const piece of pieces) {
            const before = shown
            shown += redactor.push(piece)
            assert.ok(shown.startsWith(before))
          }
          const rest = redactor.end()
          assert.ok(rest.length < longest + 3)
          assert.equal(shown + rest, redactByRule(secrets, pieces.join('')))
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('is fast with long secrets that almost match everywhere', () => {
    const startedMs = performance.now()
    const text = 'a'.repeat(64 * 1024)
    assert.equal(redact([`${'a'.repeat(50_000)}b`, `${'a'.repeat(40_000)}c`], text, text).length, 128 * 1024)
    assert.ok(performance.now() - startedMs < 2000)
  })
})

suite('The secrets of a config', () => {
  // Like SECRET_KEYS, which ignores case.
  const pattern = /(password|token|private_?key)$/i

  test('are the values of both levels and of the environment whose keys match in any case', () => {
    const config = {
      application: [
        ['db.Password', 'one'],
        ['image.tag', 'v1'],
        ['tokens', 'no'],
      ] as [string, string][],
      deployment: [['tls.privateKey', 'two']] as [string, string][],
    }
    const found = secretValues(config, pattern, { GITHUB_TOKEN: 'three', PATH: '/bin' })
    assert.deepEqual(found, ['one', 'two', 'three'])
    assert.deepEqual(secretValues(config, pattern), ['one', 'two'])
  })
})
