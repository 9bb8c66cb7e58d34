import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  deploymentNameError,
  deploymentNamePattern,
  describeNameError,
  suggestName,
} from '../../domain/deployment-name.ts'
import { deploymentName } from '../../domain/schemas.ts'

/** The rule of contract §1, repeated here so that the test does not read it from the code. */
const contractPattern = /^[a-z][a-z0-9-]{1,15}$/
const longestPattern = /^[a-z][a-z0-9-]{1,52}$/
const nameArbitrary = fc.oneof(
  fc.stringMatching(contractPattern),
  fc.stringMatching(longestPattern),
  fc.string({ unit: fc.constantFrom('a', 'z', '0', '9', '-', 'A', '_', '.', '\n', 'é'), maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

test('A name has an error exactly when it breaks the rule; the schema has the longest length', () => {
  fc.assert(
    fc.property(nameArbitrary, (text) => {
      assert.equal(deploymentNameError(text) === null, contractPattern.test(text))
      assert.equal(deploymentNameError(text, 53) === null, longestPattern.test(text))
      assert.equal(deploymentNamePattern(16).test(text), contractPattern.test(text))
      assert.equal(deploymentName.safeParse(text).success, longestPattern.test(text))
    }),
    { numRuns: 1000 },
  )
})

test('The error says what is wrong and is short', () => {
  assert.match(deploymentNameError('') ?? '', /needs a name/)
  assert.match(deploymentNameError('a') ?? '', /too short/)
  assert.match(deploymentNameError('a'.repeat(17)) ?? '', /too long \(17 characters\): 2 to 16/)
  assert.match(deploymentNameError('a'.repeat(54), 53) ?? '', /too long \(54 characters\): 2 to 53/)
  assert.match(deploymentNameError('1abc') ?? '', /begin with a lower-case letter/)
  assert.match(deploymentNameError('a_b') ?? '', /may hold only/)
  assert.match(deploymentNameError('good\n') ?? '', /may hold only/)
  assert.ok((deploymentNameError('x'.repeat(1_000_000)) ?? '').length < 120)
})

test('A valid name is suggested for a text such as that of a branch', () => {
  for (const [text, maxLength, expected] of [
    ['Feature/Login_2', 16, 'feature-login-2'],
    ['feature/JIRA-1234-new-login-page', 16, 'feature-jira-123'],
    ['feature/JIRA-1234-new-login-page', 53, 'feature-jira-1234-new-login-page'],
    ['  Größe über ALLES  ', 30, 'grosse-uber-alles'],
    ['412', 16, 'd-412'],
    ['a', 16, 'a1'],
    ['ab-cd', 3, 'ab'],
    ['---', 16, null],
    ['', 16, null],
    ['日本', 16, null],
  ] as const)
    assert.equal(suggestName(text, maxLength), expected, text)
  assert.equal(describeNameError('A_b', 16), 'Name "A_b" must begin with a lower-case letter a-z. Try a-b.')
  assert.equal(describeNameError('日本', 16), 'Name "日本" must begin with a lower-case letter a-z.')
  assert.equal(describeNameError('fine', 16), null)
})

test('What is suggested is always valid', () => {
  fc.assert(
    fc.property(
      fc.oneof(nameArbitrary, fc.string({ unit: 'grapheme' })),
      fc.integer({ min: 2, max: 53 }),
      (text, maxLength) => {
        const name = suggestName(text, maxLength)
        assert.equal(name === null ? null : deploymentNameError(name, maxLength), null)
      },
    ),
    { numRuns: 2000 },
  )
})
