import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorBody } from '../../../domain/errors.ts'
import { errorFromResponse, toApiError } from '../../../web/api/errors.ts'

describe('API errors', () => {
  it('An error has the server’s message and a hint', async () => {
    const error = await errorFromResponse(
      Response.json(errorBody('busy', 'shop is being processed.'), { status: 409 }),
    )
    assert.equal(error.message, 'shop is being processed.')
    assert.equal(error.code, 'busy')
    assert.match(error.hint, /Wait/)
  })

  it('The output of a failed config check is kept unchanged', async () => {
    const error = await errorFromResponse(new Response('No such tag.\nTry v2.\n', { status: 400 }))
    assert.equal(error.code, 'config_rejected')
    assert.equal(error.message, 'No such tag.\nTry v2.')
  })

  it('A config check without words gets a sentence that points to no message', async () => {
    for (const text of ['', 'config_check rejected the config (exit code 3).']) {
      const error = await errorFromResponse(new Response(text, { status: 400 }))
      assert.equal(error.code, 'config_rejected')
      assert.equal(error.message, 'The config check did not say why.')
      assert.doesNotMatch(error.hint, /message/)
    }
  })

  it('A proxy’s answer in place of the server means an expired sign-in', async () => {
    const page = { headers: { 'content-type': 'text/html' } }
    for (const answer of [
      Response.error(),
      new Response('<p>Log in', page),
      new Response('<p>Log in', { ...page, status: 401 }),
    ]) {
      const { message, hint, status, code } = await errorFromResponse(answer)
      assert.deepEqual([message, status, code], ['Your sign-in has ended.', 0, null])
      assert.match(hint, /another tab/)
    }
    const serverResponse = Response.json(errorBody('unauthenticated', 'This needs a credential.'), {
      status: 401,
    })
    assert.equal((await errorFromResponse(serverResponse)).code, 'unauthenticated')
  })

  it('Gateway pages, network failures and timeouts have messages', async () => {
    const proxy = new Response('<html>', { status: 502, statusText: 'Bad Gateway' })
    assert.equal((await errorFromResponse(proxy)).message, 'The server answered 502 Bad Gateway.')
    assert.match(toApiError(new TypeError('fetch failed')).message, /cannot be reached/)
    assert.match(toApiError(new DOMException('', 'TimeoutError')).message, /did not answer in time/)
  })
})
