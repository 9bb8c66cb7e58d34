import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, type ErrorCode, errorBody, errorCodes } from '../../domain/errors.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]

test('every code has an HTTP status of an error and a remedy in a sentence', () => {
  for (const code of codes) {
    const { status, remedy } = errorCodes[code]
    assert.ok(status >= 400 && status < 600, code)
    assert.match(remedy, /^[A-Z].*\.$/, code)
  }
})

test('the statuses are those of the contract', () => {
  const expected: Partial<Record<ErrorCode, number>> = {
    bad_name: 400,
    name_taken: 400,
    config_rejected: 400,
    unauthenticated: 401,
    no_such_deployment: 404,
    shutting_down: 405,
    busy: 409,
    invalid_transition: 409,
    script_query_timeout: 504,
  }
  for (const [code, status] of Object.entries(expected))
    assert.equal(errorCodes[code as ErrorCode].status, status, code)
})

test('errors about the name are ValidationError, all others AppError, each with its code', () => {
  const about = new Set<ErrorCode>(['bad_name', 'name_taken', 'no_such_deployment'])
  for (const code of codes)
    assert.deepEqual(
      errorBody(code, 'words'),
      about.has(code)
        ? { tag: 'ValidationError', name_field: ['words'], code }
        : { tag: 'AppError', error_message: 'words', code },
    )
})

test('a refusal carries its code, status, words and cause', () => {
  const cause = new Error('why')
  const refusal = new ApiError('busy', 'It is busy.', { cause })
  assert.ok(refusal instanceof Error)
  assert.deepEqual(
    [refusal.code, refusal.status, refusal.message, refusal.cause, refusal.plainText],
    ['busy', 409, 'It is busy.', cause, false],
  )
  assert.equal(new ApiError('config_rejected', 'No.', { plain: true }).plainText, true)
  assert.equal('cause' in new ApiError('busy', 'x'), false)
})
