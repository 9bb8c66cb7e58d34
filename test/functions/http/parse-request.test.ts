/** Forms as OAuth sends them. Other bodies are in test/flow/strict-requests.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { parseForm, parseQuery } from '../../../functions/http/parse-request.ts'

test('A form gives its fields, each once', () => {
  assert.deepEqual(parseForm('a=1&b=x%20y&__proto__=z'), JSON.parse('{"a":"1","b":"x y","__proto__":"z"}'))
  assert.throws(() => parseForm('a=1&b=2&a=3'), { code: 'bad_request', message: /the field "a" twice/ })
})

test('A form of many fields is read in linear time', () => {
  const body = Array.from({ length: 100_000 }, (_, at) => `f${at}=`).join('&')
  const startedMs = performance.now()
  parseForm(body)
  // 0.2 s; comparing all fields with each other takes 34 s.
  assert.ok(performance.now() - startedMs < 10_000)
})

test('NUL in a query is refused, wherever it is', () => {
  const schema = z.object({ name: z.string().optional(), names: z.array(z.string()).optional() })
  assert.deepEqual(parseQuery(schema, { name: ['a'] }), { name: 'a' })
  for (const query of [{ name: ['a\0'] }, { names: ['a', '\0'] }])
    assert.throws(() => parseQuery(schema, query), { code: 'bad_request', message: /NUL/ })
})
