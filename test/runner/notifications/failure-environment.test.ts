/** The variables that tell the notifications script what failed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureEnvironment } from '../../../runner/notifications/failure-environment.ts'

const failure = {
  what: 'script',
  script: 'check',
  message: 'The check script failed with exit code 1.',
  hint: null,
  output: null,
  exit_code: 1,
}

test('Without a failure there is no variable, and none for an unknown field', () => {
  assert.deepEqual(failureEnvironment(null), {})
  assert.deepEqual(failureEnvironment({ ...failure, script: null, exit_code: null }), {
    OCTOPOD_FAILURE_KIND: 'script',
    OCTOPOD_FAILURE_MESSAGE: 'The check script failed with exit code 1.',
  })
})

test('Control codes are removed, and a sentence stays in one line', () => {
  const variables = failureEnvironment({
    ...failure,
    message: 'ann\n\u001b[31mstopped\u001b[0m waiting.',
    output: '\u001b]0;title\u0007one\r\ntwo\u0000',
  })
  assert.equal(variables.OCTOPOD_FAILURE_MESSAGE, 'ann stopped waiting.')
  assert.equal(variables.OCTOPOD_FAILURE_OUTPUT, 'one\ntwo')
})

test('Each variable is bounded in bytes, and the last lines are kept', () => {
  const variables = failureEnvironment({
    ...failure,
    message: 'é'.repeat(5000),
    hint: '漢'.repeat(5000),
    output: `${'漢字'.repeat(5000)}end`,
  })
  const sizes = Object.values(variables).map((value) => Buffer.byteLength(value))
  assert.ok(
    sizes.every((size) => size <= 4096),
    String(sizes),
  )
  assert.match(variables.OCTOPOD_FAILURE_OUTPUT ?? '', /^字?(?:漢字)+end$/)
  assert.match(variables.OCTOPOD_FAILURE_MESSAGE ?? '', /^é+$/)
})
