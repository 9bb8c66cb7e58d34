import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutList, cutText } from '../../lib/cut-text.ts'

test('A text is cut at the length, and a cut inside a character leaves no half of it', () => {
  assert.equal(cutText('abc', 5), 'abc')
  assert.equal(cutText('abcdef', 3), 'abc')
  assert.equal(cutText('ab😀', 4), 'ab😀')
  assert.equal(cutText('ab😀', 3), 'ab\ufffd')
})

test('A list is cut before the item that is over the bytes', () => {
  assert.deepEqual(cutList(['aa', 'bb'], 8), ['aa', 'bb'])
  assert.deepEqual(cutList(['aa', 'ü', 'b'], 7), ['aa'])
  assert.deepEqual(cutList(['aa', 'ü', 'b'], 8), ['aa', 'ü'])
  assert.deepEqual(cutList([], 0), [])
})
