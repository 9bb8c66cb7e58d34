/** The list of error codes, docs/errors.md, the endpoint table and what is thrown say the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, type Endpoint, type EndpointName } from '../../domain/api-schema.ts'
import { type ErrorCode, errorBody, errorCodes } from '../../domain/errors.ts'
import { tableRows } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const codes = Object.keys(errorCodes) as ErrorCode[]
const rows = tableRows('docs/errors.md').filter(
  ([code = '']) => /^[a-z_]+_?[a-z]+$/.test(code) && code !== 'code',
)

test('every code is documented once, in the order of the list, and nothing else is', () => {
  assert.deepEqual(
    rows.map(([code]) => code),
    codes,
  )
})

test('the documented status and remedy are those of the list, and it is said when', () => {
  for (const [code = '', status, when = '', remedy] of rows) {
    const { status: wanted, remedy: words } = errorCodes[code as ErrorCode]
    assert.equal(status, String(wanted), code)
    assert.equal(remedy, words, code)
    assert.ok(when.length > 5, code)
  }
})

test('every code is thrown somewhere in functions or db', () => {
  const texts = sources()
    .filter(
      (path) => ['functions', 'db'].includes(topFolderOf(path)) && !path.startsWith('functions/openapi/'),
    )
    .map(read)
  const thrown = (code: string) => new RegExp(`\\b(?:Refusal|refuse)\\(\\s*'${code}'`)
  assert.deepEqual(
    codes.filter((code) => !texts.some((text) => thrown(code).test(text))),
    [],
  )
})

test('endpoints name only codes that exist, each once', () => {
  for (const name of Object.keys(api) as EndpointName[]) {
    const { errors }: Endpoint = api[name]
    assert.equal(new Set(errors).size, errors.length, name)
    for (const code of errors) assert.ok(code in errorCodes, `${name}: ${code}`)
  }
})

test('every code of one endpoint is named by the table or follows from how requests are made', () => {
  const fromEverywhere: ErrorCode[] = [
    'unauthenticated',
    'forbidden',
    'wrong_origin',
    'not_found',
    'method_not_allowed',
    'too_large',
    'wrong_media_type',
    'internal',
  ]
  const named = new Set(Object.values(api).flatMap(({ errors }) => errors as readonly ErrorCode[]))
  assert.deepEqual(
    codes.filter((code) => !named.has(code) && !fromEverywhere.includes(code)),
    [],
  )
})

test('statuses are those of HTTP errors and remedies are sentences', () => {
  for (const code of codes) {
    const { status, remedy } = errorCodes[code]
    assert.ok(status >= 400 && status < 600, code)
    assert.match(remedy, /^[A-Z].*\.$/, code)
    assert.equal(errorBody(code, 'words').code, code)
  }
})
