/** Sends a request that the caller describes, signed in as every other one. Called by commands/api.ts. */
import { errorFromAnswer } from '../../client/errors.ts'
import { headers } from '../../domain/endpoints.ts'
import { toCliError } from '../errors/http.ts'
import { commonHeaders } from './http-agent.ts'
import type { ApiClient } from './types.ts'

export type RawRequest = {
  method: string
  /** With the prefix of the API and the query, without the prefix of the installation. */
  path: string
  /** JSON. */
  body: string | null
  /** The Idempotency-Key of a write. */
  key: string
}

/**
 * Yields the body as it arrives; streams do not end. Throws after the body when the status is no success. It is sent once:
 * nobody knows whether a repetition is safe.
 */
export async function* sendRaw(client: ApiClient, request: RawRequest): AsyncGenerator<string, void> {
  const { connection } = client
  const { method, path, body } = request
  const { actor, source } = connection.requester
  try {
    await client.authorize()
    const response = await client.send({
      path,
      method,
      headers: {
        ...commonHeaders(connection, '*/*'),
        [headers.source]: source,
        ...(actor === null ? {} : { [headers.actor]: encodeURIComponent(actor) }),
        ...(method === 'GET' ? {} : { [headers.idempotencyKey]: request.key }),
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      body,
      // A stream sends a heartbeat every 15 s, and a config_check takes minutes.
      timeoutMs: 315_000,
      signal: undefined,
    })
    if (response.status < 200 || response.status > 299) {
      const text = await response.text()
      yield text
      throw errorFromAnswer(response, text)
    }
    const decoder = new TextDecoder()
    for await (const chunk of response.body) yield decoder.decode(chunk, { stream: true })
  } catch (error) {
    throw toCliError(connection, error, method !== 'GET')
  }
}
