import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findDuplicateKey } from '../../lib/json-duplicate-keys.ts'

test('The key that an object has twice is found, at any level and however it is written', () => {
  assert.equal(findDuplicateKey('{"a":1,"b":2,"a":3}'), 'a')
  assert.equal(findDuplicateKey('[{"x":{"a" : 1, "\\u0061":2}}]'), 'a')
  assert.equal(findDuplicateKey('{"a":{"b":1},"c":[{"b":1},{"b":1}],"b":"\\"a\\":{"}'), null)
  assert.equal(findDuplicateKey('{"":1,"":2}'), '')
  for (const text of ['1', '"a"', 'null', '[]', '{}', '["a","a"]', '[":","a:"]'])
    assert.equal(findDuplicateKey(text), null, text)
})

test('JSON that JSON.stringify writes has no duplicate keys, and one that is added is found', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (text, key) => {
      assert.equal(findDuplicateKey(text), null)
      const name = JSON.stringify(key)
      assert.equal(findDuplicateKey(`[{${name}:${text},${name}:0}]`), key)
    }),
  )
})

test('Large and deep texts are read without recursion', () => {
  const megabyte = 'x\\"'.repeat(350_000)
  assert.equal(findDuplicateKey(`{"a":"${megabyte}","${megabyte}":1,"a":2}`), 'a')
  assert.throws(() => findDuplicateKey('['.repeat(500_000) + ']'.repeat(500_000)), RangeError)
})
