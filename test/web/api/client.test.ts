/** The API client of the page, with answers that the test chooses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorBody } from '../../../domain/errors.ts'
import { createClient } from '../../../web/api/client.ts'

const limited = () =>
  Response.json(errorBody('rate_limited', 'Too many.'), { status: 429, headers: { 'Retry-After': '0' } })

test('A request that exceeds a limit of callers is sent again, a few times', async (t) => {
  const answers = [limited(), limited(), Response.json(['a'])]
  const fetched = t.mock.method(globalThis, 'fetch', async () => answers.shift() ?? limited())
  const client = createClient(() => '')
  assert.deepEqual(await client.call('listDeploymentNames'), ['a'])
  assert.equal(fetched.mock.callCount(), 3)
  await assert.rejects(client.call('listDeploymentNames'), { code: 'rate_limited', status: 429 })
  assert.equal(fetched.mock.callCount(), 7)
})
