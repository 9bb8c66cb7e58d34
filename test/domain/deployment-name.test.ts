import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deploymentNameError } from '../../domain/deployment-name.ts'
import { deploymentName } from '../../domain/schemas.ts'

/** The rule of contract §1, repeated here so that the test does not read it from the code. */
const contractPattern = /^[a-z][a-z0-9-]{1,15}$/
const nameArbitrary = fc.oneof(
  fc.stringMatching(contractPattern),
  fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', '-', 'A', '_', '.', '\n', 'é'), maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

test('A name has an error exactly when it breaks the rule, and the schema agrees', () => {
  fc.assert(
    fc.property(nameArbitrary, (text) => {
      assert.equal(deploymentNameError(text) === null, contractPattern.test(text))
      assert.equal(deploymentName.safeParse(text).success, contractPattern.test(text))
    }),
    { numRuns: 1000 },
  )
})

test('The error says what is wrong and is short', () => {
  assert.match(deploymentNameError('') ?? '', /needs a name/)
  assert.match(deploymentNameError('a') ?? '', /too short/)
  assert.match(deploymentNameError('a'.repeat(17)) ?? '', /too long \(17 characters\)/)
  assert.match(deploymentNameError('1abc') ?? '', /begin with a letter/)
  assert.match(deploymentNameError('a_b') ?? '', /may hold only/)
  assert.match(deploymentNameError('good\n') ?? '', /may hold only/)
  assert.ok((deploymentNameError('x'.repeat(1_000_000)) ?? '').length < 120)
})
