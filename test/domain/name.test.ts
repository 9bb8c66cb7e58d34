import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameProblem } from '../../domain/name.ts'
import { deploymentName } from '../../domain/shapes.ts'

/** Contract §1, written again: the test must not read it from the code. */
const rule = /^[a-z][a-z0-9-]{1,15}$/
const name = fc.oneof(
  fc.stringMatching(rule),
  fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', '-', 'A', '_', '.', '\n', 'é'), maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

test('a name has a problem exactly when the rule refuses it, and the shape says the same', () => {
  fc.assert(
    fc.property(name, (text) => {
      assert.equal(nameProblem(text) === null, rule.test(text))
      assert.equal(deploymentName.safeParse(text).success, rule.test(text))
    }),
    { numRuns: 1000 },
  )
})

test('the words say what is wrong and stay short', () => {
  assert.match(nameProblem('') ?? '', /needs a name/)
  assert.match(nameProblem('a') ?? '', /too short/)
  assert.match(nameProblem('a'.repeat(17)) ?? '', /too long \(17 characters\)/)
  assert.match(nameProblem('1abc') ?? '', /begin with a letter/)
  assert.match(nameProblem('a_b') ?? '', /may hold only/)
  assert.match(nameProblem('good\n') ?? '', /may hold only/)
  assert.ok((nameProblem('x'.repeat(1_000_000)) ?? '').length < 120)
})
