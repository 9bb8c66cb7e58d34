import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../../../client/errors.ts'
import { hintFor } from '../../../web/api/hints.ts'

test('Every error has a hint: its own, that of its code, or one for its status', () => {
  assert.match(hintFor(new ApiError('rejected', 'x', { status: 409, code: 'busy' })), /Wait/)
  assert.equal(hintFor(new ApiError('rejected', 'x', { code: 'busy', hint: 'Own.' })), 'Own.')
  assert.match(hintFor(new ApiError('rejected', 'x', { status: 404, code: 'not_found' })), /Change what/)
  assert.match(hintFor(new ApiError('foreign', 'x', { status: 502 })), /Try again/)
})
