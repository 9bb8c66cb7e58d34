/** What was typed is what a chart gets: the values writer against helm itself. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { helm, helmIsMissing, importModule } from '../control-scripts.ts'

type Step = string | number
type Values = {
  treeOf(pairs: Iterable<[string, string]>, isNumberAt?: (steps: Step[]) => boolean): unknown
  valuesText(tree: unknown): string
  stepsOf(key: string): Step[]
  keyOf(steps: Step[]): string
  scalarOf(text: string, isNumber?: () => boolean): unknown
}
const { treeOf, valuesText, stepsOf, keyOf, scalarOf } = await importModule<Values>('lib/values.mjs')

const folder = mkdtempSync(join(tmpdir(), 'octopod-values-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A chart that shows its values, as JSON and as they stand in a text. */
function rendered(...args: string[]): { json: Record<string, unknown>; texts: string[] } {
  const chart = join(folder, 'chart')
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shows\nversion: 1.0.0\n')
  writeFileSync(
    join(chart, 'templates/all.yaml'),
    'json: {{ .Values | toJson | b64enc }}\ntexts:\n{{- range $_, $v := .Values }}\n  - {{ print $v | b64enc | quote }}\n{{- end }}\n',
  )
  const said = helm('template', 'x', chart, ...args)
  const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8')
  return {
    json: JSON.parse(decoded(/^json: (\S+)$/m.exec(said)?.[1] ?? '')),
    texts: [...said.matchAll(/^ {2}- "([^"]*)"$/gm)].map(([, text = '']) => decoded(text)),
  }
}

function renderedFromFile(pairs: [string, string][]) {
  const file = join(folder, 'values.yaml')
  writeFileSync(file, valuesText(treeOf(pairs)))
  return rendered('-f', file)
}

/** Arguments of a program hold every character but NUL. */
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

test('a key leads to the same place after it was written from its steps', () => {
  const steps = fc.array(fc.oneof(name, fc.nat(50)), { maxLength: 6 })
  fc.assert(
    fc.property(name, steps, (first, rest) => {
      assert.deepEqual(stepsOf(keyOf([first, ...rest])), [first, ...rest])
    }),
  )
})

test('values are typed as helm --set types them; a great number is text unless the chart has a number there', () => {
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
  for (const [text, value] of cases) assert.equal(scalarOf(text), value, text)
  assert.equal(
    scalarOf('20260101', () => true),
    20260101n,
  )
  const tree = treeOf([['a.b', '1000650000']], (steps) => steps.join() === 'a,b')
  assert.equal(valuesText(tree), '{"a": {"b": 1000650000}}')
})

const rejected: [string, [string, string][]][] = [
  ['a part of it is empty', [['a..b', '1']]],
  ['an index is a whole number', [['a[x]', '1']]],
  ['a part of it is empty', [['[0].a', '1']]],
  ['an index may be 1000 at most', [['a[1001]', '1']]],
  ['more than 30 parts', [[Array(31).fill('a').join('.'), '1']]],
  [
    'contradicts another one: "a" is both a value and more',
    [
      ['a', '1'],
      ['a.b', '2'],
    ],
  ],
  [
    'contradicts another one that goes on where it ends',
    [
      ['a.b', '2'],
      ['a', '1'],
    ],
  ],
  [
    'is both a value and more',
    [
      ['a[0]', '2'],
      ['a.b', '1'],
    ],
  ],
]
for (const [says, pairs] of rejected)
  test(`${JSON.stringify(pairs.at(-1)?.[0])} is refused by its name: ${says}`, () => {
    assert.throws(
      () => treeOf(pairs),
      (error: Error) => error.message.startsWith('The key "') && error.message.includes(says),
    )
  })

test('a key named like what every JavaScript object has is a key like any other', () => {
  assert.equal(valuesText(treeOf([['__proto__.constructor', 'x']])), '{"__proto__": {"constructor": "x"}}')
})

describe('with helm', { skip: helmIsMissing }, () => {
  test('whatever was typed reaches the template letter by letter', () => {
    const texts = fc.sample(argument, {
      numRuns: 1500,
      seed: Number(process.env.SEED ?? Date.now() % 2 ** 31),
    })
    const { json, texts: shown } = renderedFromFile(
      texts.map((text, at) => [`k${String(at).padStart(6, '0')}`, text]),
    )
    const got = Object.values(json)
    assert.equal(got.length, texts.length)
    for (const [at, text] of texts.entries()) {
      const scalar = scalarOf(text)
      const expected = typeof scalar === 'bigint' ? Number(scalar) : scalar
      assert.deepEqual(got[at], expected, JSON.stringify(text))
      if (typeof expected === 'string') assert.equal(shown[at], text)
      if (typeof expected === 'number') assert.equal(shown[at], String(expected), JSON.stringify(text))
    }
  })

  test('keys and scalars become what helm --set makes of them', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abc'), minLength: 1, maxLength: 2 })
    // One list in a key, and no empty value: there helm --set forgets entries of lists.
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
      const given = new Map(sample)
      // What contradicts itself helm settles in its own way, and we refuse.
      try {
        treeOf(given)
      } catch {
        continue
      }
      const set = [...given].flatMap(([key, text]) => ['--set', `${key}=${text}`])
      assert.deepEqual(renderedFromFile([...given]).json, rendered(...set).json, JSON.stringify(sample))
    }
  })
})
