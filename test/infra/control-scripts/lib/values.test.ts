/** Config values reach a chart unchanged: the values writer is compared with helm itself. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { helm, helmIsMissing, importModule } from '../control-scripts.ts'

type Step = string | number
type Values = {
  buildValuesTree(pairs: Iterable<[string, string]>, typeAt?: (steps: Step[]) => string | undefined): unknown
  formatValues(tree: unknown): string
  parseKey(key: string): Step[]
  formatKey(steps: Step[]): string
  parseScalar(text: string, type?: 'text' | 'number'): unknown
}
const { buildValuesTree, formatValues, parseKey, formatKey, parseScalar } =
  await importModule<Values>('lib/values.mjs')

const folder = mkdtempSync(join(tmpdir(), 'octopod-values-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Renders a chart that prints its values as JSON and as text. */
function rendered(...args: string[]): { json: Record<string, unknown>; texts: string[] } {
  const chart = join(folder, 'chart')
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shows\nversion: 1.0.0\n')
  writeFileSync(
    join(chart, 'templates/all.yaml'),
    'json: {{ .Values | toJson | b64enc }}\ntexts:\n{{- range $_, $v := .Values }}\n  - {{ print $v | b64enc | quote }}\n{{- end }}\n',
  )
  const output = helm('template', 'x', chart, ...args)
  const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8')
  return {
    json: JSON.parse(decoded(/^json: (\S+)$/m.exec(output)?.[1] ?? '')),
    texts: [...output.matchAll(/^ {2}- "([^"]*)"$/gm)].map(([, text = '']) => decoded(text)),
  }
}

function renderedFromFile(pairs: [string, string][]) {
  const file = join(folder, 'values.yaml')
  writeFileSync(file, formatValues(buildValuesTree(pairs)))
  return rendered('-f', file)
}

/** A program argument can contain every character except NUL. */
const typed = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(...'{}[],=\\"\'`$:#&*!|>%@~-+.0123456789 \n\r\t\u0085\u2028\ufeffaeinNyY\x01\x7f'),
    maxLength: 30,
  }),
  fc.constantFrom(
    'yes',
    'no',
    'on',
    '~',
    'Null',
    '1e3',
    '0x10',
    '0o7',
    '007',
    '1_000',
    '12:30',
    '<<',
    '.inf',
  ),
)
const argument = typed.map((text) => text.replaceAll('\0', '').toWellFormed())
const name = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-/.\\[] é😀'), minLength: 1, maxLength: 8 })

test('parseKey is the inverse of formatKey', () => {
  const steps = fc.array(fc.oneof(name, fc.nat(50)), { maxLength: 6 })
  fc.assert(
    fc.property(name, steps, (first, rest) => {
      assert.deepEqual(parseKey(formatKey([first, ...rest])), [first, ...rest])
    }),
  )
})

test('Values have the types of helm --set; a large number is text unless the chart has a number there', () => {
  const cases: [string, unknown][] = [
    ['true', true],
    ['FALSE', false],
    ['null', null],
    ['0', 0n],
    ['-5', -5n],
    ['+5', 5n],
    ['999999', 999999n],
    ['007', '007'],
    ['1.10', '1.10'],
    ['1e3', '1e3'],
    ['', ''],
    ['yes', 'yes'],
    ['20260101', '20260101'],
    ['9223372036854775808', '9223372036854775808'],
  ]
  for (const [text, value] of cases) assert.equal(parseScalar(text), value, text)
  assert.equal(parseScalar('20260101', 'number'), 20260101n)
  const tree = buildValuesTree([['a.b', '1000650000']], (steps) =>
    steps.join() === 'a,b' ? 'number' : undefined,
  )
  assert.equal(formatValues(tree), '{"a": {"b": 1000650000}}')
})

test('A value is text where the default is text, and after !!str; !!null removes a default', () => {
  const typed = ['true', 'FALSE', 'null', '0', '0123', '1e10', '-5', '2026-01-01', '20260101', '', '~']
  for (const text of typed) {
    assert.equal(parseScalar(text, 'text'), text)
    assert.equal(parseScalar(`!!str ${text}`), text)
    assert.equal(parseScalar(`!!str ${text}`, 'number'), text)
  }
  assert.equal(parseScalar('!!str'), '')
  assert.equal(parseScalar('!!str  a\nb '), ' a\nb ')
  assert.equal(parseScalar('!!strict'), '!!strict')
  assert.equal(parseScalar('!!null', 'text'), null)
  for (const text of ['0123', '1e10', '2026-01-01']) assert.equal(parseScalar(text), text)
})

const rejected: [string, [string, string][]][] = [
  ['it has an empty part', [['a..b', '1']]],
  ['an index must be a whole number', [['a[x]', '1']]],
  ['it has an empty part', [['[0].a', '1']]],
  ['an index must be at most 1000', [['a[1001]', '1']]],
  ['more than 30 parts', [[Array(31).fill('a').join('.'), '1']]],
  [
    'contradicts another key: "a" cannot be a value and a parent at once',
    [
      ['a', '1'],
      ['a.b', '2'],
    ],
  ],
  [
    'contradicts another key that continues below it',
    [
      ['a.b', '2'],
      ['a', '1'],
    ],
  ],
  [
    'cannot be a value and a parent at once',
    [
      ['a[0]', '2'],
      ['a.b', '1'],
    ],
  ],
]
for (const [message, pairs] of rejected)
  test(`${JSON.stringify(pairs.at(-1)?.[0])} is rejected by name: ${message}`, () => {
    assert.throws(
      () => buildValuesTree(pairs),
      (error: Error) => error.message.startsWith('The key "') && error.message.includes(message),
    )
  })

test('A key with the name of a JavaScript object property is an ordinary key', () => {
  assert.equal(
    formatValues(buildValuesTree([['__proto__.constructor', 'x']])),
    '{"__proto__": {"constructor": "x"}}',
  )
})

describe('with helm', { skip: helmIsMissing }, () => {
  test('Every value reaches the template unchanged', () => {
    const texts = fc.sample(argument, {
      numRuns: 1500,
      seed: Number(process.env.SEED ?? Date.now() % 2 ** 31),
    })
    const { json, texts: shown } = renderedFromFile(
      texts.map((text, index) => [`k${String(index).padStart(6, '0')}`, text]),
    )
    const received = Object.values(json)
    assert.equal(received.length, texts.length)
    for (const [index, text] of texts.entries()) {
      const scalar = parseScalar(text)
      const expected = typeof scalar === 'bigint' ? Number(scalar) : scalar
      assert.deepEqual(received[index], expected, JSON.stringify(text))
      if (typeof expected === 'string') assert.equal(shown[index], text)
      if (typeof expected === 'number') assert.equal(shown[index], String(expected), JSON.stringify(text))
    }
  })

  test('Keys and scalars get the same result as with helm --set', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abc'), minLength: 1, maxLength: 2 })
    // At most one list per key and no empty value, because helm --set drops list entries there.
    const key = fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.option(fc.nat(2)))
      .map(([parts, index]) => parts.join(index === null ? '.' : `[${index}].`))
      .filter((key) => (key.match(/\[/g) ?? []).length < 2)
    const scalar = fc.constantFrom(
      'true',
      'False',
      'x',
      '0',
      '-0',
      '+7',
      '12',
      '007',
      '1.5',
      'a b',
      '-1',
      '0.0',
    )
    const pairs = fc.array(fc.tuple(key, scalar), { minLength: 1, maxLength: 4 })
    for (const sample of fc.sample(pairs, 25)) {
      const config = new Map(sample)
      // Skip contradicting keys: helm accepts them, and buildValuesTree rejects them.
      try {
        buildValuesTree(config)
      } catch {
        continue
      }
      const set = [...config].flatMap(([key, text]) => ['--set', `${key}=${text}`])
      assert.deepEqual(renderedFromFile([...config]).json, rendered(...set).json, JSON.stringify(sample))
    }
  })
})
