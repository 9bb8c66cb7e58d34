/** Overrides are applied to the defaults of a config, and keys have one normal form. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  applyOverrides,
  configKeyError,
  configValueError,
  type KeyValue,
  maxKeyLength,
  maxValueBytes,
  normalizeKey,
  type Override,
  parseKeyValue,
  updateOverrides,
  valueAdded,
  valueDeleted,
} from '../../domain/overrides.ts'

// Few keys, so that they collide, and names of members of Object, which must be ordinary keys.
const keyArbitrary = fc.oneof(
  fc.constantFrom('a', 'b', 'a.b', 'image.tag', '__proto__', 'constructor'),
  fc.string({ maxLength: 6 }),
)
const valueArbitrary = fc.string({ unit: 'binary', maxLength: 8 })
const configArbitrary = fc.uniqueArray(fc.tuple(keyArbitrary, valueArbitrary), {
  selector: ([name]) => name,
  maxLength: 8,
})
const overridesArbitrary = fc.uniqueArray(
  fc.oneof(
    fc.tuple(keyArbitrary, valueArbitrary).map(([name, contents]) => valueAdded(name, contents)),
    keyArbitrary.map((name) => valueDeleted(name)),
  ),
  { selector: ([name]) => name, maxLength: 8 },
)
const sorted = (pairs: readonly KeyValue[]) => [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))

suite('applyOverrides', () => {
  test('Without overrides, the defaults are the config', () => {
    fc.assert(
      fc.property(configArbitrary, (defaults) => {
        assert.deepEqual(applyOverrides(defaults, []), defaults)
      }),
    )
  })

  test('Applying overrides twice has the same effect as applying them once', () => {
    fc.assert(
      fc.property(configArbitrary, overridesArbitrary, (defaults, overrides) => {
        const once = applyOverrides(defaults, overrides)
        assert.deepEqual(sorted(applyOverrides(once, overrides)), sorted(once))
      }),
    )
  })

  test('Defaults keep their order, new keys follow, deleted keys are removed, unknown keys can be deleted', () => {
    const defaults: KeyValue[] = [
      ['b', '1'],
      ['a', '2'],
      ['c', '3'],
    ]
    const overrides = [valueDeleted('c'), valueAdded('z', '4'), valueAdded('b', '5'), valueDeleted('never')]
    assert.deepEqual(applyOverrides(defaults, overrides), [
      ['b', '5'],
      ['a', '2'],
      ['z', '4'],
    ])
  })
})

suite('updateOverrides', () => {
  test('Set keys win, unset keys are removed, all others stay', () => {
    fc.assert(
      fc.property(
        overridesArbitrary,
        overridesArbitrary,
        fc.array(keyArbitrary, { maxLength: 4 }),
        (current, set, unset) => {
          const result = new Map(updateOverrides(current, set, unset))
          const unsetKeys = new Set(unset.map(normalizeKey))
          for (const [name, value] of set) assert.deepEqual(result.get(name), value)
          const setKeys = new Set(set.map(([name]) => name))
          for (const [name, value] of current) {
            if (setKeys.has(name)) continue
            assert.deepEqual(result.get(name), unsetKeys.has(name) ? undefined : value)
          }
          assert.ok([...result.keys()].every((name) => setKeys.has(name) || !unsetKeys.has(name)))
        },
      ),
    )
  })

  test('A key can be unset in any spelling', () => {
    const current: Override[] = [valueAdded('image.tag', 'v1'), valueAdded('debug', 'yes')]
    assert.deepEqual(updateOverrides(current, [], [' image . tag ']), [valueAdded('debug', 'yes')])
  })
})

suite('keys', () => {
  test('Parts of a key are trimmed, and empty ones dropped', () => {
    assert.equal(normalizeKey(' image . tag.'), 'image.tag')
    assert.equal(normalizeKey('..a...b..'), 'a.b')
    assert.equal(normalizeKey(' . . '), '')
  })

  test('Normalizing a key twice has the same result as once', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', ' ', 'a', '\t') })),
        (text) => {
          const once = normalizeKey(text)
          assert.equal(normalizeKey(once), once)
          assert.ok(once === '' || once.split('.').every((part) => part !== '' && part === part.trim()))
        },
      ),
    )
  })

  test('A key that does not fit into KEY=VALUE has an error', () => {
    assert.match(configKeyError('') ?? '', /empty/)
    assert.match(configKeyError('a=b') ?? '', /=/)
    assert.match(configKeyError('--name') ?? '', /begins with/)
    assert.match(configKeyError('a b') ?? '', /white space/)
    assert.match(configKeyError('a\u0000b') ?? '', /control/)
    for (const hidden of ['\u0085', '\u009b', '\u202e', '\u2066']) {
      const message = configKeyError(`a${hidden}b`) ?? ''
      assert.match(message, /^Config key "a\\u[\da-f]{4}b" contains/)
      assert.ok(!message.includes(hidden))
    }
    assert.match(configKeyError('a\ud800') ?? '', /Unicode/)
    assert.match(configKeyError('k'.repeat(maxKeyLength + 1)) ?? '', /longer/)
    assert.equal(configKeyError('k'.repeat(maxKeyLength)), null)
    assert.equal(configKeyError('image.tag'), null)
    assert.equal(configKeyError('ключ.😀'), null)
  })
})

suite('values', () => {
  test('A value may contain newlines, quotes, a leading dash or nothing, but no NUL and no half character', () => {
    for (const fine of ['', 'a\nb', '"\'`$(x)', '-rf', '=', '😀'])
      assert.equal(configValueError('key', fine), null)
    assert.match(configValueError('key', 'a\0b') ?? '', /NUL/)
    assert.match(configValueError('key', 'a\ud83d') ?? '', /Unicode/)
  })

  test('The limit of a value counts bytes, not characters', () => {
    const fits = '€'.repeat(Math.floor(maxValueBytes / 3))
    assert.equal(configValueError('key', fits), null)
    assert.match(configValueError('key', `${fits}€`) ?? '', /bytes/)
    assert.equal(configValueError('key', 'a'.repeat(maxValueBytes)), null)
    assert.match(configValueError('key', 'a'.repeat(maxValueBytes + 1)) ?? '', /bytes/)
  })

  test('Every accepted value survives JSON and UTF-8 unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(configValueError('key', text) === null)
        assert.equal(
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)),
          text,
        )
        assert.doesNotMatch(JSON.stringify(text), /\\u(0000|d[89a-f])/)
      }),
    )
  })
})

suite('KEY=VALUE', () => {
  test('The text is split at the first =, the key is normalized and the value trimmed', () => {
    assert.deepEqual(parseKeyValue(' image . tag = v=2 '), ['image.tag', 'v=2'])
    assert.deepEqual(parseKeyValue('empty='), ['empty', ''])
  })

  test('A text without = or without a key is not a pair', () => {
    for (const text of ['', 'key', '=value', ' . =value']) assert.equal(parseKeyValue(text), null)
  })

  test('A trimmed pair is parsed unchanged', () => {
    fc.assert(
      fc.property(keyArbitrary, valueArbitrary, (name, contents) => {
        const normal = normalizeKey(name)
        fc.pre(configKeyError(normal) === null)
        assert.deepEqual(parseKeyValue(`${normal}=${contents}`), [normal, contents.trim()])
      }),
    )
  })
})
