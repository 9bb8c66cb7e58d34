/** Overrides: what goes on top of the defaults comes off again, and keys have one spelling. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  applyOverrides,
  configKeyError,
  configValueError,
  extractOverrides,
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

// Few keys, so that they meet; the names of Object's own members, so that they do no harm.
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

suite('apply and extract', () => {
  test('the overrides taken from a config lead back to it', () => {
    fc.assert(
      fc.property(configArbitrary, configArbitrary, (defaults, wanted) => {
        const found = extractOverrides(defaults, wanted)
        assert.deepEqual(sorted(applyOverrides(defaults, found)), sorted(wanted))
      }),
    )
  })

  test('what is taken from an applied config does the same as what was applied, and is no larger', () => {
    fc.assert(
      fc.property(configArbitrary, overridesArbitrary, (defaults, given) => {
        const result = applyOverrides(defaults, given)
        const found = extractOverrides(defaults, result)
        assert.deepEqual(sorted(applyOverrides(defaults, found)), sorted(result))
        assert.ok(found.length <= given.length)
      }),
    )
  })

  test('a config that is its defaults has no overrides, and no overrides change nothing', () => {
    fc.assert(
      fc.property(configArbitrary, (defaults) => {
        assert.deepEqual(extractOverrides(defaults, defaults), [])
        assert.deepEqual(applyOverrides(defaults, []), defaults)
      }),
    )
  })

  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(configArbitrary, overridesArbitrary, (defaults, given) => {
        const once = applyOverrides(defaults, given)
        assert.deepEqual(sorted(applyOverrides(once, given)), sorted(once))
      }),
    )
  })

  test('defaults keep their order, new keys follow, deleted ones go, deleting what is not there is fine', () => {
    const defaults: KeyValue[] = [
      ['b', '1'],
      ['a', '2'],
      ['c', '3'],
    ]
    const given = [valueDeleted('c'), valueAdded('z', '4'), valueAdded('b', '5'), valueDeleted('never')]
    assert.deepEqual(applyOverrides(defaults, given), [
      ['b', '5'],
      ['a', '2'],
      ['z', '4'],
    ])
  })
})

suite('change', () => {
  test('what is set wins, what is unset goes, the rest stays as it was', () => {
    fc.assert(
      fc.property(
        overridesArbitrary,
        overridesArbitrary,
        fc.array(keyArbitrary, { maxLength: 4 }),
        (present, set, unset) => {
          const result = new Map(updateOverrides(present, set, unset))
          const gone = new Set(unset.map(normalizeKey))
          for (const [name, wanted] of set) assert.deepEqual(result.get(name), wanted)
          const given = new Set(set.map(([name]) => name))
          for (const [name, was] of present) {
            if (given.has(name)) continue
            assert.deepEqual(result.get(name), gone.has(name) ? undefined : was)
          }
          assert.ok([...result.keys()].every((name) => given.has(name) || !gone.has(name)))
        },
      ),
    )
  })

  test('a key is unset however it is spelled', () => {
    const present: Override[] = [valueAdded('image.tag', 'v1'), valueAdded('debug', 'yes')]
    assert.deepEqual(updateOverrides(present, [], [' image . tag ']), [valueAdded('debug', 'yes')])
  })
})

suite('keys', () => {
  test('parts are trimmed and empty ones dropped', () => {
    assert.equal(normalizeKey(' image . tag.'), 'image.tag')
    assert.equal(normalizeKey('..a...b..'), 'a.b')
    assert.equal(normalizeKey(' . . '), '')
  })

  test('a normal key is its own normal form', () => {
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

  test('a key that cannot travel as KEY=VALUE is told so', () => {
    assert.match(configKeyError('') ?? '', /empty/)
    assert.match(configKeyError('a=b') ?? '', /=/)
    assert.match(configKeyError('--name') ?? '', /begins with/)
    assert.match(configKeyError('a b') ?? '', /white space/)
    assert.match(configKeyError('a\u0000b') ?? '', /control/)
    assert.match(configKeyError('a\ud800') ?? '', /Unicode/)
    assert.match(configKeyError('k'.repeat(maxKeyLength + 1)) ?? '', /longer/)
    assert.equal(configKeyError('k'.repeat(maxKeyLength)), null)
    assert.equal(configKeyError('image.tag'), null)
    assert.equal(configKeyError('ключ.😀'), null)
  })
})

suite('values', () => {
  test('newlines, quotes, a leading dash and an empty one are fine; NUL and half a character are not', () => {
    for (const fine of ['', 'a\nb', '"\'`$(x)', '-rf', '=', '😀'])
      assert.equal(configValueError('key', fine), null)
    assert.match(configValueError('key', 'a\0b') ?? '', /NUL/)
    assert.match(configValueError('key', 'a\ud83d') ?? '', /Unicode/)
  })

  test('the limit counts bytes, not characters', () => {
    const fits = '€'.repeat(Math.floor(maxValueBytes / 3))
    assert.equal(configValueError('key', fits), null)
    assert.match(configValueError('key', `${fits}€`) ?? '', /bytes/)
    assert.equal(configValueError('key', 'a'.repeat(maxValueBytes)), null)
    assert.match(configValueError('key', 'a'.repeat(maxValueBytes + 1)) ?? '', /bytes/)
  })

  test('whatever is accepted can be stored and sent: it comes back from JSON and UTF-8 as it was', () => {
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
  test('is cut at the first =, the key normalised, the value trimmed', () => {
    assert.deepEqual(parseKeyValue(' image . tag = v=2 '), ['image.tag', 'v=2'])
    assert.deepEqual(parseKeyValue('empty='), ['empty', ''])
  })

  test('without = or without a key it is none', () => {
    for (const text of ['', 'key', '=value', ' . =value']) assert.equal(parseKeyValue(text), null)
  })

  test('what was a trimmed pair is read as that pair', () => {
    fc.assert(
      fc.property(keyArbitrary, valueArbitrary, (name, contents) => {
        const normal = normalizeKey(name)
        fc.pre(configKeyError(normal) === null)
        assert.deepEqual(parseKeyValue(`${normal}=${contents}`), [normal, contents.trim()])
      }),
    )
  })
})
