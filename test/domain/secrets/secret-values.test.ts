/** Which values are redacted in output, as a table of examples. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isSecretPair, secretValues, toWords, withMarkedKeys } from '../../../domain/secrets/secret-values.ts'
import { readSettings } from '../../../domain/settings/read-settings.ts'
import { secretExamples } from './examples.ts'

const urls = { DATABASE_URL: 'postgres://db', REDIS_URL: 'redis://redis' }
const patternOf = (SECRET_KEYS = '') => readSettings('runner', { ...urls, SECRET_KEYS }).SECRET_KEYS

suite('The default of SECRET_KEYS', () => {
  for (const [key, value, ...masked] of secretExamples)
    test(`${masked.length === 0 ? 'masks nothing' : `masks ${masked.join(' and ')}`} of ${key}=${value}`, () => {
      assert.deepEqual(secretValues([[key, value]], patternOf()), masked)
    })

  test('finds a secret once, however many keys have it', () => {
    const pairs: [string, string][] = [
      ['a.token', '0123abcd'],
      ['b.token', '0123abcd'],
    ]
    assert.deepEqual(secretValues(pairs, patternOf()), ['0123abcd'])
  })

  test('looks at long keys and values in linear time', () => {
    const pairs: [string, string][] = [
      [`${'aB'.repeat(50_000)}passwor`, 'x'.repeat(100_000)],
      ['url', `${'x://'.repeat(12_000)}${':'.repeat(50_000)}`],
    ]
    assert.deepEqual(secretValues(pairs, patternOf()), [])
  })
})

suite('SECRET_KEYS of an installation', () => {
  test('is compared with the key and with its words, in any case', () => {
    for (const [pattern, key] of [
      ['(password|private_?key)$', 'TLS.PrivateKey'],
      ['^smtp_login$', 'smtpLogin'],
      ['^smtp-login$', 'smtp-login'],
      [String.raw`^db\.user$`, 'db.user'],
    ] as const)
      assert.deepEqual(secretValues([[key, 'correct-horse']], patternOf(pattern)), ['correct-horse'], key)
    assert.deepEqual(secretValues([['db.password', 'correct-horse']], patternOf('^pin$')), [])
  })

  test('masks numbers and short values of the keys that it names exactly', () => {
    const pairs: [string, string][] = [
      ['door.pin', '4711'],
      ['door.pin_length', '4712'],
    ]
    for (const pattern of ['pin', String.raw`^door\.pin$`, String.raw`\.pin`])
      assert.deepEqual(secretValues(pairs, patternOf(pattern)), ['4711'], pattern)
  })
})

suite('Hidden in a config', () => {
  const isHidden = (key: string, value: string, pattern = patternOf()) => isSecretPair(key, value, pattern)

  test('is everything that is redacted', () => {
    for (const [key, value, ...masked] of secretExamples)
      if (masked.length > 0) assert.ok(isHidden(key, value), `${key}=${value}`)
  })

  test('are short values and numbers too, under a key that ends with the word', () => {
    for (const [key, value] of [
      ['token', 'abc'],
      ['db_password', 'seven77'],
      ['db_password', '4711'],
      ['password.policy', 'strict'],
      ['url', 'see postgres://a:b@c'],
    ] as const)
      assert.ok(isHidden(key, value), `${key}=${value}`)
    for (const [key, value] of [
      ['token.ttl', '3600'],
      ['password', ''],
      ['token.enabled', 'true'],
      ['tls.secretName', 'octopod-tls'],
      ['image.tag', 'v1'],
    ] as const)
      assert.ok(!isHidden(key, value), `${key}=${value}`)
  })

  test('are keys that a script marks, as they are written', () => {
    const pattern = withMarkedKeys(patternOf(), ['door.pin', 'a+b', '(', 'x|y', '-'])
    for (const key of ['door.pin', 'a+b', '(', 'x|y', 'db.password', '-'])
      assert.ok(isHidden(key, '12', pattern), key)
    for (const key of ['doorxpin', 'door.pins', 'aab', 'x', 'y'])
      assert.ok(!isHidden(key, '12', pattern), key)
    assert.equal(withMarkedKeys(pattern, []), pattern)
  })
})

test('A key is split into words', () => {
  for (const [key, words] of [
    ['db.rootPassword', 'db.root_password'],
    ['API-Token', 'api_token'],
    ['HTTPServerKey', 'http_server_key'],
    ['s3.accessKey', 's3.access_key'],
  ] as const)
    assert.equal(toWords(key), words)
})
