import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutText } from '../../lib/cut-text.ts'

test('A text is cut at the length, and a cut inside a character leaves no half of it', () => {
  assert.equal(cutText('abc', 5), 'abc')
  assert.equal(cutText('abcdef', 3), 'abc')
  assert.equal(cutText('ab😀', 4), 'ab😀')
  assert.equal(cutText('ab😀', 3), 'ab\ufffd')
})
