/** The error of an answer, in each of the forms that Octopod 1.6, Octopod 2 and proxies send. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, errorFromAnswer, isClientError, toApiError } from '../../client/errors.ts'
import { errorBody } from '../../domain/errors.ts'

const read = async (response: Response) => errorFromAnswer(response, await response.text())
const page = { headers: { 'content-type': 'text/html' } }

test('An error has message, code and request id of the server, and says whether a retry may succeed', async () => {
  const headers = { 'X-Request-Id': 'r-1', 'Retry-After': '7' }
  const busy = await read(
    Response.json(errorBody('busy', 'shop is being processed.'), { status: 409, headers }),
  )
  assert.deepEqual(
    [busy.kind, busy.status, busy.message, busy.code, busy.requestId, busy.retryable, busy.retryAfterMs],
    ['rejected', 409, 'shop is being processed.', 'busy', 'r-1', false, 7000],
  )
  for (const code of ['shutting_down', 'service_unavailable', 'rate_limited'] as const)
    assert.equal((await read(Response.json(errorBody(code, 'Later.'), { status: 503 }))).retryable, true)
  assert.equal(isClientError(busy), true)
})

test('Errors of Octopod 1.6 have messages and no code', async () => {
  const names = { tag: 'ValidationError', name_field: ['Too short.', 'Taken.'] }
  const { message, code, kind } = await read(Response.json(names, { status: 400 }))
  assert.deepEqual([message, code, kind], ['Too short.\nTaken.', null, 'rejected'])
  assert.equal(
    (await read(Response.json({ tag: 'AppError', error_message: 'Busy.' }, { status: 409 }))).message,
    'Busy.',
  )
})

test('The output of a failed config check is kept unchanged', async () => {
  const error = await read(new Response('  No such tag.\nTry v2.\n', { status: 400 }))
  assert.deepEqual([error.code, error.message], ['config_rejected', '  No such tag.\nTry v2.'])
})

test('The output of a failed config check may begin with markup', async () => {
  const error = await read(new Response('<stdin>:3: no such tag', { status: 400 }))
  assert.deepEqual([error.code, error.message], ['config_rejected', '<stdin>:3: no such tag'])
})

test('A config check without words gets a sentence that points to no message', async () => {
  for (const text of ['', 'config_check rejected the config (exit code 3).']) {
    const error = await read(new Response(text, { status: 400 }))
    assert.deepEqual([error.code, error.message], ['config_rejected', 'The config check did not say why.'])
    assert.match(error.hint ?? '', /DevOps engineer/)
  }
})

test('A proxy’s answer in place of the server means an expired sign-in', async () => {
  for (const answer of [
    Response.error(),
    new Response('<p>Log in', page),
    new Response('<p>Log in', { ...page, status: 401 }),
  ]) {
    const { message, hint, status, code, kind } = await read(answer)
    assert.deepEqual([message, status, code, kind], ['Your sign-in has ended.', 0, null, 'foreign'])
    assert.match(hint ?? '', /another tab/)
  }
  const own = await read(
    Response.json(errorBody('unauthenticated', 'This needs a credential.'), { status: 401 }),
  )
  assert.deepEqual([own.code, own.status], ['unauthenticated', 401])
})

test('Answers of gateways and of other programs are foreign', async () => {
  const gateway = await read(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))
  assert.deepEqual(
    [gateway.message, gateway.kind, gateway.retryable],
    ['The server answered 502 Bad Gateway.', 'foreign', true],
  )
  for (const body of [{ message: 'no Route matched' }, null, [1], 'x'])
    assert.equal((await read(Response.json(body, { status: 404 }))).kind, 'foreign')
  assert.equal(
    (await read(new Response('no healthy upstream', { status: 503 }))).message,
    'no healthy upstream',
  )
})

test('Network failures and timeouts have messages, and an ApiError stays', () => {
  assert.match(toApiError(new TypeError('fetch failed')).message, /cannot be reached/)
  assert.match(toApiError(new DOMException('', 'TimeoutError')).message, /did not answer in time/)
  const error = new ApiError('failed', 'x')
  assert.equal(toApiError(error), error)
})
