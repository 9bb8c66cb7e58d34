/** The explanation of a failure from what a script printed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastLines } from '../../../domain/failures/explain-failure.ts'

test('The last lines are well-formed also when the limit splits a character', () => {
  for (const padding of ['', 'x']) {
    const output = lastLines({ stdout: '', stderr: '🚀'.repeat(5000) + padding }) ?? ''
    assert.ok(output.isWellFormed(), 'PostgreSQL rejects half a character in jsonb')
    assert.ok(output.length <= 4000)
  }
})
