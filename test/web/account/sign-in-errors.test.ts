import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signInErrorMessages } from '../../../domain/access/sign-in-errors.ts'
import { errorCodes } from '../../../domain/errors.ts'
import { explainSignInError, readRequestId } from '../../../web/account/sign-in-errors.ts'

test('Every code of a failed sign-in has a sentence that says what to do', () => {
  for (const code of [...Object.keys(signInErrorMessages), ...Object.keys(errorCodes)])
    assert.match(explainSignInError(code), /again|later|ask|open the page|wait|sign in/i, code)
  assert.notEqual(explainSignInError('insecure_transport'), explainSignInError('unknown'))
})

test('An unknown code gets a general sentence, without text of the address', () => {
  const general = explainSignInError('unknown')
  for (const code of ['', 'constructor', '__proto__', 'toString', '<b>x</b>', 'x'.repeat(10_000)])
    assert.equal(explainSignInError(code), general)
})

test('Only something that looks like a request id is shown', () => {
  assert.equal(readRequestId('3f0a-77.b_C'), '3f0a-77.b_C')
  for (const text of [null, '', 'call me', '<i>', 'x'.repeat(101)]) assert.equal(readRequestId(text), null)
})
