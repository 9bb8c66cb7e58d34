/** docs/audit.md names every operation of the audit log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rights } from '../../domain/access/roles.ts'
import { auditOperations } from '../../domain/audit/operations.ts'
import { read } from '../architecture/repository.ts'

test('Every operation that is no right is in the table of operations', () => {
  const table = read('docs/audit.md').split('An entry has:')[0] ?? ''
  const missing = auditOperations.filter(
    (operation) => !(operation in rights) && !new RegExp(`\\b${operation}\\b`).test(table),
  )
  assert.deepEqual(missing, [])
})
