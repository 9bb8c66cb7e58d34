/** Sends a request that the caller describes, signed in as every other one. Called by commands/api.ts. */
import type { Dispatcher } from 'undici'
import { headers } from '../../domain/endpoints.ts'
import { CliError } from '../errors/cli-error.ts'
import { httpError } from '../errors/http.ts'
import { networkError } from '../errors/network.ts'
import { commonHeaders, readResponse } from './http-agent.ts'
import type { ApiClient } from './types.ts'

export type RawRequest = {
  method: Dispatcher.HttpMethod
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
  const { connection, dispatcher } = client
  const { method, body } = request
  const { actor, source } = connection.requester
  try {
    await client.authorize()
    const response = await dispatcher.request({
      origin: connection.origin,
      path: connection.prefix + request.path,
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
      headersTimeout: 315_000,
    })
    if (response.statusCode < 200 || response.statusCode > 299) {
      const refused = await readResponse(response)
      yield refused.text
      throw httpError(connection, refused)
    }
    const decoder = new TextDecoder()
    for await (const chunk of response.body) yield decoder.decode(chunk as Uint8Array, { stream: true })
  } catch (error) {
    if (error instanceof CliError) throw error
    throw networkError(connection, error, method !== 'GET')
  }
}
