/** The redactor masks secrets wherever the output is cut into pieces, and delays no other text. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRedactor, maskSecrets } from '../../../runner/output/redact.ts'
import { createSecretPatterns } from '../../../runner/output/secret-patterns.ts'

function redact(secrets: readonly string[], ...pieces: string[]): string {
  const redactor = createRedactor(createSecretPatterns(secrets))
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
    assert.equal(redact([key], `all: ${key}`), 'all: ***\n')
  })

  test('does not mask short values', () => {
    assert.equal(redact(['on', 'dev', ''], 'on dev console'), 'on dev console')
  })

  test('does not interpret secrets as patterns', () => {
    assert.equal(redact(['a.*+?^(){}|[]\\$'], 'a.*+?^(){}|[]\\$ abc'), '*** abc')
  })

  test('delays only text that could be the start of a secret', () => {
    const redactor = createRedactor(createSecretPatterns(['secret-value']))
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
          const redactor = createRedactor(createSecretPatterns(secrets))
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

  test('masks each block of a long secret, and shows blocks that follow each other as one', () => {
    const secret = Array.from({ length: 50 }, (_, at) => `block ${at} `)
      .join('')
      .trim()
    assert.equal(redact([secret], `a ${secret} b`), 'a *** b')
    assert.equal(redact([secret], ...`a ${secret} b`), 'a *** b')
    assert.equal(redact([secret], `${secret}${secret}`), '******')
    assert.equal(redact([secret], `a ${secret.slice(0, -20)} b`).indexOf('***'), 2)
  })
})

suite('A redactor finds a secret', () => {
  const secret = 'p@ss/wörd+with "quotes" & 100% more'

  test('on several lines, also with indentation', () => {
    assert.equal(redact(['correct-horse-battery'], 'a correct-\n  horse-\r\n\tbattery b'), 'a *** b')
    assert.equal(redact(['correct-horse-battery'], ...'a correct-\n  horse-\r\n\tbattery b'), 'a *** b')
    assert.equal(redact(['correct-horse'], 'correct\n\nhorse'), 'correct\n\nhorse')
  })

  test('with line breaks where its text has others', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0B\n-----END KEY-----\n'
    const printed = ['key: |', ...key.trim().split('\n')].join('\n    ')
    assert.equal(redact([key], printed), 'key: |\n    ***')
    assert.equal(redact([key], key.replaceAll('\n', '\r\n')), '***\r\n')
    assert.equal(redact([key], key.replaceAll('\n', '')), '***')
  })

  test('in base64, alone, within a longer text, for URLs and in lines', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64')
    for (const form of [encode(secret), encode(`${secret}\n`), encode(secret).replaceAll('=', '')])
      assert.equal(redact([secret], `a ${form} b`), 'a *** b')
    for (const before of ['', 'x', 'xy', 'xyz', 'user:'])
      for (const after of ['', 'z', 'zy', '\n']) {
        const shown = redact([secret], encode(before + secret + after))
        // The characters that the text before or after also decides stay.
        assert.match(shown, /^[\w+/]{0,8}\*\*\*[\w+/=]{0,8}$/, shown)
      }
    for (const each of ['???>>>???>>>', 'subjects?>~~~~'])
      assert.equal(redact([each], Buffer.from(each).toString('base64url')), '***')
    const long = secret.repeat(20)
    assert.equal(redact([long], `a: ${encode(long).replace(/.{76}/g, '$&\n')}`).slice(0, 6), 'a: ***')
    assert.ok(redact([long], encode(long).replace(/.{76}/g, '$&\n  ')).length < 12)
  })

  test('with URL encoding, of all or of some characters', () => {
    for (const form of [
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      new URLSearchParams({ '': secret }).toString().slice(1),
      Buffer.from(secret).toString('hex').replace(/../g, '%$&'),
    ]) {
      assert.equal(redact([secret], `a=${form}&b`), 'a=***&b')
      assert.equal(redact([secret], ...`a=${form}&b`), 'a=***&b')
    }
    assert.equal(redact(['p%40ss%2Fword'], 'p@ss/word p%40ss%2fword'), '*** ***')
    assert.equal(redact(['line one\nline two'], 'line%20one%0Aline%20two'), '***')
    assert.equal(redact([secret], '100', '%', ' 50%', '4'), '100% 50%4')
  })

  test('within JSON', () => {
    assert.equal(redact([secret], JSON.stringify({ secret })), '{"secret":"***"}')
    assert.equal(redact(['a&b<c>d"e\\f'], '"a\\u0026b\\u003cc\\u003ed\\"e\\\\f"'), '"***"')
  })

  const letters = (max: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '%', '4', '1', '-', 'é'), maxLength: max })

  test('wherever the text is cut, whatever its characters', () => {
    fc.assert(
      fc.property(
        fc.array(letters(90), { maxLength: 4 }),
        fc.array(letters(100), { maxLength: 5 }),
        (secrets, texts) => {
          const patterns = createSecretPatterns(secrets)
          const text = texts.flatMap((each, at) => [each, secrets[at] ?? '']).join('')
          const redactor = createRedactor(patterns)
          const cut = [...text].map((piece) => redactor.push(piece)).join('') + redactor.end()
          assert.equal(cut, maskSecrets(text, patterns))
        },
      ),
      { numRuns: 3000 },
    )
  })
})

/** A cost that grew with the secrets, or with the square of the text, would exceed the time limit of the tests. */
suite('The cost of redaction', () => {
  test('is low with long secrets that almost match everywhere', () => {
    const text = 'a'.repeat(64 * 1024)
    const secrets = Array.from({ length: 2000 }, (_, at) => `${'a'.repeat(50)}b${at}`)
    assert.equal(redact(secrets, text, text).length, 128 * 1024)
  })

  test('does not grow with the number and the length of secrets', () => {
    const secrets = Array.from({ length: 2000 }, (_, at) => `${at} `.repeat(100))
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(1500)
    const patterns = createSecretPatterns(secrets)
    for (let count = 0; count < 20; count += 1) assert.equal(maskSecrets(text, patterns), text)
  })

  test('stays low while line breaks follow the beginning of a secret', () => {
    const redactor = createRedactor(createSecretPatterns(['correct-horse']))
    redactor.push('correct')
    let shown = ''
    for (let count = 0; count < 2000; count += 1) shown += redactor.push('\n'.repeat(1000))
    assert.equal((shown + redactor.end()).length, 'correct'.length + 2_000_000)
  })
})
