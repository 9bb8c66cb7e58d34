/** Labels, titles and selectors follow the rules of Kubernetes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  labelKeyError,
  labelValueError,
  matchesSelector,
  parseSelector,
  titleError,
} from '../../domain/labels.ts'
import { createBody } from '../../domain/schemas.ts'

const matches = (text: string, labels: Record<string, string>): boolean => {
  const { selector, error } = parseSelector(text)
  assert.equal(error, undefined)
  return matchesSelector(selector ?? [], labels)
}

test('Keys and values that Kubernetes accepts are accepted, and no others', () => {
  for (const key of [
    'a',
    'team',
    'A.b_c-9',
    'example.com/team',
    'k8s.io/x',
    'a'.repeat(63),
    `${'a'.repeat(63)}.b/c`,
  ])
    assert.equal(labelKeyError(key), null, key)
  for (const key of [
    '',
    '-a',
    'a-',
    'a b',
    'a/',
    '/a',
    'a/b/c',
    'Example.com/a',
    'a..b/c',
    'a'.repeat(64),
    'ä',
    'a\n',
    '__proto__',
  ])
    assert.notEqual(labelKeyError(key), null, key)
  for (const value of ['', 'shop', 'v1.2_3-x', '0']) assert.equal(labelValueError('a', value), null, value)
  for (const value of ['-x', 'x.', 'a b', 'a,b', 'a=b', 'x'.repeat(64), '\u202ex', 'x\u0000'])
    assert.notEqual(labelValueError('a', value), null, value)
  assert.ok((labelKeyError('x'.repeat(1_000_000)) ?? '').length < 300)
  assert.doesNotMatch(labelValueError('a', '\u202e\u0085') ?? '', /[\u202e\u0085]/)
})

test('A title has at most 100 characters and no hidden ones', () => {
  assert.equal(titleError('Neue Suche 🎉 (v2)'), null)
  for (const title of ['', ' ', 'x'.repeat(101), 'a\nb', 'a\u202eb', 'a\u200fb', 'a\u2028b', '\ud800'])
    assert.notEqual(titleError(title), null, JSON.stringify(title))
})

test('A selector compares, lists, and asks whether a label is there', () => {
  const labels = { team: 'shop', env: 'qa', empty: '' }
  for (const text of [
    '',
    'team=shop',
    'team==shop',
    ' team = shop , env = qa ',
    'team!=web',
    'other!=web',
    'team in (web, shop)',
    'team in(shop)',
    'team notin (web)',
    'other notin (web)',
    'team',
    '!other',
    'empty=',
    'empty in ()',
  ])
    assert.ok(matches(text, labels), text)
  for (const text of [
    'team=web',
    'team!=shop',
    'team in (web)',
    'team notin (shop,web)',
    'other',
    '!team',
    'team=shop,env=x',
  ])
    assert.ok(!matches(text, labels), text)
  // What every object inherits is no label.
  assert.ok(!matches('constructor', labels) && matches('!constructor', labels))
})

test('An invalid selector is explained', () => {
  for (const text of [
    'team=shop,',
    ',',
    'a b',
    'a=b=c',
    'team in shop',
    'team in (a',
    '=a',
    '!',
    'a!b',
    'a=(x)',
    '-x',
    'x'.repeat(5000),
  ]) {
    const { error } = parseSelector(text)
    assert.ok(error !== undefined && error.length < 300, text)
  }
})

test('Reading a selector never throws, and the parts of a valid one are read as they were written', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => 'error' in parseSelector(text) || true))
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((text) => text !== 'in' && text !== 'notin')
  const labels = fc.dictionary(word, word, { minKeys: 1, maxKeys: 5 })
  fc.assert(
    fc.property(labels, (found) => {
      const text = Object.entries(found).map(([key, value]) => `${key}=${value}`)
      assert.ok(matches(text.join(','), found))
      assert.ok(!matches(text.join(','), {}))
    }),
  )
})

test('A request has at most 64 labels, and the message says what is wrong', () => {
  const parse = (labels: unknown, title?: string) =>
    createBody.safeParse({ name: 'x1', app_overrides: [], deployment_overrides: [], labels, title })
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))
  assert.ok(parse(many(64)).success)
  assert.match(JSON.stringify(parse(many(1000)).error?.issues), /at most 64 labels/)
  assert.ok(!parse({ a: 1 }).success && !parse({ 'a b': 'x' }).success && !parse([]).success)
  assert.ok(!parse({}, 'a\u202eb').success)
  assert.equal(parse({}, '  A  title ').data?.title, 'A  title')
})
