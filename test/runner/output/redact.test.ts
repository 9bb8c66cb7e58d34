/** Secrets are masked wherever the pipe cuts them, and nothing is held back without need. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRedactor, secretValues } from '../../../runner/output/redact.ts'

function redact(secrets: readonly string[], ...pieces: string[]): string {
  const redactor = createRedactor(secrets)
  return pieces.map((piece) => redactor.push(piece)).join('') + redactor.end()
}

/** The rule in one line: leftmost first, of those that begin at one place the longest. */
function redactByRule(secrets: readonly string[], text: string): string {
  const wanted = secrets.filter((secret) => secret.length >= 4).sort((a, b) => b.length - a.length)
  if (wanted.length === 0) return text
  return text.replace(new RegExp(wanted.join('|'), 'g'), '***')
}

/** Few letters and none that means something in a regular expression, so that secrets overlap, repeat and begin each other all the time. */
const textArbitrary = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀'), minLength, maxLength })

suite('a redactor', () => {
  test('masks every occurrence', () => {
    assert.equal(redact(['hunter22'], 'a hunter22 b hunter22hunter22'), 'a *** b ******')
  })

  test('masks what is cut across pieces, even one by one', () => {
    assert.equal(redact(['hunter22'], ...'a hunter22 b hunter2'), 'a *** b hunter2')
  })

  test('masks the longest of secrets that begin alike', () => {
    assert.equal(redact(['pass', 'password', 'word'], 'a password, a pass, a passw'), 'a ***, a ***, a ***w')
    assert.equal(redact(['pass', 'password'], 'passwor'), '***wor')
  })

  test('masks each line of a secret of several lines, but no short one', () => {
    const key = '-----BEGIN-----\nMIIEvQIBADANBg\n}\n-----END-----\n'
    assert.equal(redact([key], 'key: MIIEvQIBADANBg } -----END-----'), 'key: *** } ***')
    assert.equal(redact([key], `all: ${key}`), 'all: ***')
  })

  test('leaves short values alone: half of every output would be masked', () => {
    assert.equal(redact(['on', 'dev', ''], 'on dev console'), 'on dev console')
  })

  test('takes secrets literally', () => {
    assert.equal(redact(['a.*+?^(){}|[]\\$'], 'a.*+?^(){}|[]\\$ abc'), '*** abc')
  })

  test('holds back only what could begin a secret', () => {
    const redactor = createRedactor(['secret-value'])
    assert.equal(redactor.push('Password: '), 'Password: ')
    assert.equal(redactor.push('a sec'), 'a ')
    assert.equal(redactor.push('ond'), 'second')
    assert.equal(redactor.push('s'), '')
    assert.equal(redactor.end(), 's')
  })

  test('gives the same text however it is cut, and holds back less than the longest secret', () => {
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

  test('is quick with long secrets that nearly fit everywhere', () => {
    const startedMs = performance.now()
    const text = 'a'.repeat(64 * 1024)
    assert.equal(redact([`${'a'.repeat(50_000)}b`, `${'a'.repeat(40_000)}c`], text, text).length, 128 * 1024)
    assert.ok(performance.now() - startedMs < 2000)
  })
})

suite('the secrets of a config', () => {
  // As SECRET_KEYS is read: without regard to case.
  const pattern = /(password|token|private_?key)$/i

  test('are the values whose key matches, in whatever case, of both levels and of the environment', () => {
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
