/** docs/sign-in.md explains every code with which a sign-in fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signInErrorMessages } from '../../domain/access/sign-in-errors.ts'
import { tableRows } from '../architecture/markdown.ts'

test('Every code of a failed sign-in is documented, and no other', () => {
  const [, ...rows] = tableRows('docs/sign-in.md', (heading) => heading === 'When a sign-in fails')
  assert.deepEqual(
    rows.map(([code]) => code),
    Object.keys(signInErrorMessages),
  )
})
