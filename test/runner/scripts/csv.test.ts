/** The output of scripts is parsed according to RFC 4180; errors name the line. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { maxRows, parseKeys, parseLinks, parseMarkedKeys, parsePairs } from '../../../runner/scripts/csv.ts'

suite('A config in CSV', () => {
  test('may contain quotes, newlines in quotes, blank lines, any line ending and a BOM', () => {
    const text = '\uFEFFimage.tag,v1\r\n\r\n"a.b","x, ""y""\nz"\n\nempty,\rlast,"1"'
    assert.deepEqual(parsePairs(text), [
      ['image.tag', 'v1'],
      ['a.b', 'x, "y"\nz'],
      ['empty', ''],
      ['last', '1'],
    ])
    assert.deepEqual(parsePairs(''), [])
    assert.deepEqual(parsePairs('\n\n'), [])
  })

  test('has normalized keys and unchanged values; the last value of a repeated key counts', () => {
    assert.deepEqual(parsePairs(' image . tag., v1 \nb,2\nimage.tag,v2'), [
      ['image.tag', 'v2'],
      ['b', '2'],
    ])
  })

  test('that is invalid causes an error with the line', () => {
    const broken: [string, RegExp][] = [
      ['a,1\nb,2\nc', /^line 3: expected 2 columns, found 1\.$/],
      ['a,1\n\nb,2,3', /^line 3: expected 2 columns, found 3\.$/],
      ['a,1\n  \n', /^line 2: expected 2 columns, found 1\.$/],
      ['a,1\nb,"open\n\n', /^line \d: a quote is opened but not closed\.$/],
      ['a,1\nb,{"json":1}', /^line 2: there is a quote inside a value that does not begin with one/],
      ['a,"1" x', /^line 1: there is text after a closing quote/],
      ['a,1\n . ,2', /^line 2: the key is empty\.$/],
      [`${'x'.repeat(5000)}`, /^line 1: expected 2 columns, found 1\.$/],
      ['a,1\n'.repeat(maxRows + 1), /^more than 10000 rows\.$/],
    ]
    for (const [text, message] of broken) assert.throws(() => parsePairs(text), { message })
  })

  test('keeps any value that is quoted', () => {
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
    const keyArbitrary = fc.stringMatching(/^[a-z][a-z0-9.]{0,9}[a-z]$/).filter((key) => !key.includes('..'))
    const valueArbitrary = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(keyArbitrary, valueArbitrary), { selector: ([key]) => key, maxLength: 20 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (pairs, end) => {
          const text = pairs.map(([key, each]) => `${key},${quote(each)}${end}`).join('')
          assert.deepEqual(parsePairs(text), pairs)
        },
      ),
    )
  })
})

suite('Keys', () => {
  test('are one per line and normalized, without blank lines and repetitions', () => {
    assert.deepEqual(parseKeys('\uFEFFimage.tag\r\n\n  a . b \na.b\nwith,comma\n'), [
      'image.tag',
      'a.b',
      'with,comma',
    ])
    assert.deepEqual(parseKeys(''), [])
    assert.deepEqual(parseMarkedKeys('a.b\n c . pin , secret\na,b\npin,secret,secret\na.b\n,secret\n'), {
      keys: ['a.b', 'c.pin', 'a,b', 'pin,secret'],
      secretKeys: ['c.pin', 'pin,secret'],
    })
  })

  test('have a limit', () => {
    const many = Array.from({ length: maxRows + 1 }, (_, index) => `k${index}`).join('\n')
    assert.throws(() => parseKeys(many), /more than 10000 keys/)
  })
})

suite('Links', () => {
  test('have a name and an address', () => {
    assert.deepEqual(parseLinks('app, https://a.example.com/x?y=1 \n"my, db",http://b.example.com\n'), {
      links: [
        { name: 'app', link: 'https://a.example.com/x?y=1' },
        { name: 'my, db', link: 'http://b.example.com' },
      ],
      warnings: [],
    })
  })

  test('other than http and https are left out with a warning', () => {
    const { links, warnings } = parseLinks(
      'ok,https://a\nbad,javascript:alert(1)\nodd, JaVaScRiPt:x\nno,b.example.com\n',
    )
    assert.deepEqual(links, [{ name: 'ok', link: 'https://a' }])
    assert.deepEqual(warnings, [
      'line 2: "javascript:alert(1)" is not an http or https link and is left out.',
      'line 3: "JaVaScRiPt:x" is not an http or https link and is left out.',
      'line 4: "b.example.com" is not an http or https link and is left out.',
    ])
  })

  test('in invalid CSV cause an error', () => {
    assert.throws(() => parseLinks('app'), /^Error: line 1: expected 2 columns, found 1\.$/)
  })
})
