/** Overrides: what goes on top of the defaults comes off again, and keys have one spelling. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  added,
  applyOverrides,
  changeOverrides,
  extractOverrides,
  keyProblem,
  maxKeyLength,
  maxValueBytes,
  normaliseKey,
  type Override,
  type Pair,
  parsePair,
  removed,
  valueProblem,
} from '../../domain/overrides.ts'

// Few keys, so that they meet; the names of Object's own members, so that they do no harm.
const key = fc.oneof(
  fc.constantFrom('a', 'b', 'a.b', 'image.tag', '__proto__', 'constructor'),
  fc.string({ maxLength: 6 }),
)
const value = fc.string({ unit: 'binary', maxLength: 8 })
const config = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 8 })
const overrides = fc.uniqueArray(
  fc.oneof(
    fc.tuple(key, value).map(([name, contents]) => added(name, contents)),
    key.map((name) => removed(name)),
  ),
  { selector: ([name]) => name, maxLength: 8 },
)
const sorted = (pairs: readonly Pair[]) => [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))

suite('apply and extract', () => {
  test('the overrides taken from a config lead back to it', () => {
    fc.assert(
      fc.property(config, config, (defaults, wanted) => {
        const found = extractOverrides(defaults, wanted)
        assert.deepEqual(sorted(applyOverrides(defaults, found)), sorted(wanted))
      }),
    )
  })

  test('what is taken from an applied config does the same as what was applied, and is no larger', () => {
    fc.assert(
      fc.property(config, overrides, (defaults, given) => {
        const result = applyOverrides(defaults, given)
        const found = extractOverrides(defaults, result)
        assert.deepEqual(sorted(applyOverrides(defaults, found)), sorted(result))
        assert.ok(found.length <= given.length)
      }),
    )
  })

  test('a config that is its defaults has no overrides, and no overrides change nothing', () => {
    fc.assert(
      fc.property(config, (defaults) => {
        assert.deepEqual(extractOverrides(defaults, defaults), [])
        assert.deepEqual(applyOverrides(defaults, []), defaults)
      }),
    )
  })

  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(config, overrides, (defaults, given) => {
        const once = applyOverrides(defaults, given)
        assert.deepEqual(sorted(applyOverrides(once, given)), sorted(once))
      }),
    )
  })

  test('defaults keep their order, new keys follow, deleted ones go, deleting what is not there is fine', () => {
    const defaults: Pair[] = [
      ['b', '1'],
      ['a', '2'],
      ['c', '3'],
    ]
    const given = [removed('c'), added('z', '4'), added('b', '5'), removed('never')]
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
      fc.property(overrides, overrides, fc.array(key, { maxLength: 4 }), (present, set, unset) => {
        const result = new Map(changeOverrides(present, set, unset))
        const gone = new Set(unset.map(normaliseKey))
        for (const [name, wanted] of set) assert.deepEqual(result.get(name), wanted)
        const given = new Set(set.map(([name]) => name))
        for (const [name, was] of present) {
          if (given.has(name)) continue
          assert.deepEqual(result.get(name), gone.has(name) ? undefined : was)
        }
        assert.ok([...result.keys()].every((name) => given.has(name) || !gone.has(name)))
      }),
    )
  })

  test('a key is unset however it is spelled', () => {
    const present: Override[] = [added('image.tag', 'v1'), added('debug', 'yes')]
    assert.deepEqual(changeOverrides(present, [], [' image . tag ']), [added('debug', 'yes')])
  })
})

suite('keys', () => {
  test('parts are trimmed and empty ones dropped', () => {
    assert.equal(normaliseKey(' image . tag.'), 'image.tag')
    assert.equal(normaliseKey('..a...b..'), 'a.b')
    assert.equal(normaliseKey(' . . '), '')
  })

  test('a normal key is its own normal form', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', ' ', 'a', '\t') })),
        (text) => {
          const once = normaliseKey(text)
          assert.equal(normaliseKey(once), once)
          assert.ok(once === '' || once.split('.').every((part) => part !== '' && part === part.trim()))
        },
      ),
    )
  })

  test('a key that cannot travel as KEY=VALUE is told so', () => {
    assert.match(keyProblem('') ?? '', /empty/)
    assert.match(keyProblem('a=b') ?? '', /=/)
    assert.match(keyProblem('--name') ?? '', /begins with/)
    assert.match(keyProblem('a b') ?? '', /white space/)
    assert.match(keyProblem('a\u0000b') ?? '', /control/)
    assert.match(keyProblem('a\ud800') ?? '', /Unicode/)
    assert.match(keyProblem('k'.repeat(maxKeyLength + 1)) ?? '', /longer/)
    assert.equal(keyProblem('k'.repeat(maxKeyLength)), null)
    assert.equal(keyProblem('image.tag'), null)
    assert.equal(keyProblem('ключ.😀'), null)
  })
})

suite('values', () => {
  test('newlines, quotes, a leading dash and an empty one are fine; NUL and half a character are not', () => {
    for (const fine of ['', 'a\nb', '"\'`$(x)', '-rf', '=', '😀'])
      assert.equal(valueProblem('key', fine), null)
    assert.match(valueProblem('key', 'a\0b') ?? '', /NUL/)
    assert.match(valueProblem('key', 'a\ud83d') ?? '', /Unicode/)
  })

  test('the limit counts bytes, not characters', () => {
    const fits = '€'.repeat(Math.floor(maxValueBytes / 3))
    assert.equal(valueProblem('key', fits), null)
    assert.match(valueProblem('key', `${fits}€`) ?? '', /bytes/)
    assert.equal(valueProblem('key', 'a'.repeat(maxValueBytes)), null)
    assert.match(valueProblem('key', 'a'.repeat(maxValueBytes + 1)) ?? '', /bytes/)
  })

  test('whatever is accepted can be stored and sent: it comes back from JSON and UTF-8 as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(valueProblem('key', text) === null)
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
    assert.deepEqual(parsePair(' image . tag = v=2 '), ['image.tag', 'v=2'])
    assert.deepEqual(parsePair('empty='), ['empty', ''])
  })

  test('without = or without a key it is none', () => {
    for (const text of ['', 'key', '=value', ' . =value']) assert.equal(parsePair(text), null)
  })

  test('what was a trimmed pair is read as that pair', () => {
    fc.assert(
      fc.property(key, value, (name, contents) => {
        const normal = normaliseKey(name)
        fc.pre(keyProblem(normal) === null)
        assert.deepEqual(parsePair(`${normal}=${contents}`), [normal, contents.trim()])
      }),
    )
  })
})
