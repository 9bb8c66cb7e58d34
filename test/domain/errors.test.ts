import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, type ErrorCode, errorBody, errorCodes } from '../../domain/errors.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]

test('Every code has an HTTP error status and a remedy sentence', () => {
  for (const code of codes) {
    const { status, remedy } = errorCodes[code]
    assert.ok(status >= 400 && status < 600, code)
    assert.match(remedy, /^[A-Z].*\.$/, code)
  }
})

test('The HTTP statuses are those of the contract', () => {
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

test('Errors about the name are sent as ValidationError, all others as AppError, each with its code', () => {
  const nameCodes = new Set<ErrorCode>(['bad_name', 'name_taken', 'no_such_deployment'])
  for (const code of codes)
    assert.deepEqual(
      errorBody(code, 'message'),
      nameCodes.has(code)
        ? { tag: 'ValidationError', name_field: ['message'], code }
        : { tag: 'AppError', error_message: 'message', code },
    )
})

test('An ApiError has a code, status, message and cause', () => {
  const cause = new Error('why')
  const error = new ApiError('busy', 'It is busy.', { cause })
  assert.ok(error instanceof Error)
  assert.deepEqual(
    [error.code, error.status, error.message, error.cause, error.plainText],
    ['busy', 409, 'It is busy.', cause, false],
  )
  assert.equal(new ApiError('config_rejected', 'No.', { plain: true }).plainText, true)
  assert.equal('cause' in new ApiError('busy', 'x'), false)
})
