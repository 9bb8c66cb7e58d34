/** The error codes agree with docs/errors.md, with the endpoint table and with the code that throws them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import type { Endpoint } from '../../domain/endpoints.ts'
import { type ErrorCode, errorBody, errorCodes } from '../../domain/errors.ts'
import { tableRows } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]
const rows = tableRows('docs/errors.md').filter(
  ([code = '']) => /^[a-z_]+_?[a-z]+$/.test(code) && code !== 'code',
)

test('docs/errors.md documents exactly the codes of the list, in its order', () => {
  assert.deepEqual(
    rows.map(([code]) => code),
    codes,
  )
})

test('The documented status and remedy are those of the list, with a cause', () => {
  for (const [code = '', status, when = '', remedy] of rows) {
    const { status: wanted, remedy: words } = errorCodes[code as ErrorCode]
    assert.equal(status, String(wanted), code)
    assert.equal(remedy, words, code)
    assert.ok(when.length > 5, code)
  }
})

test('Every code is thrown', () => {
  const texts = sources()
    .filter((path) => ['functions', 'db', 'domain'].includes(topFolderOf(path)))
    .map(read)
  const thrown = (code: string) => new RegExp(`\\bApiError\\(\\s*'${code}'`)
  assert.deepEqual(
    codes.filter((code) => !texts.some((text) => thrown(code).test(text))),
    [],
  )
})

test('Endpoints name existing codes, each once', () => {
  for (const name of Object.keys(api) as EndpointName[]) {
    const { errors }: Endpoint = api[name]
    assert.equal(new Set(errors).size, errors.length, name)
    for (const code of errors) assert.ok(code in errorCodes, `${name}: ${code}`)
  }
})

test('Every code is named by an endpoint or can come from any request', () => {
  const fromAnyRequest: ErrorCode[] = [
    'unauthenticated',
    'sign_in_failed',
    'session_ended',
    'insecure_transport',
    'forbidden',
    'wrong_origin',
    'wrong_host',
    'upgrade_required',
    'rate_limited',
    'not_found',
    'method_not_allowed',
    'too_large',
    'wrong_media_type',
    'internal',
  ]
  const named = new Set(Object.values(api).flatMap(({ errors }) => errors as readonly ErrorCode[]))
  assert.deepEqual(
    codes.filter((code) => !named.has(code) && !fromAnyRequest.includes(code)),
    [],
  )
})

test('Statuses are HTTP errors and remedies are sentences', () => {
  for (const code of codes) {
    const { status, remedy } = errorCodes[code]
    assert.ok(status >= 400 && status < 600, code)
    assert.match(remedy, /^[A-Z].*\.$/, code)
    assert.equal(errorBody(code, 'message').code, code)
  }
})
