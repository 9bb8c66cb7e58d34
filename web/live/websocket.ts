/**
 * Opens the websocket of this host. The credential is sent as a second subprotocol, because browsers cannot
 * set headers on a websocket.
 */
import { readError } from '../api/client.ts'
import { basePath } from '../base-path.ts'
import type { Socket } from './live-connection.ts'

export function openWebSocket(location: Location, authorization: string): Socket {
  const url = `${location.protocol.replace('http', 'ws')}//${location.host}${basePath}/event`
  const credentialProtocol = authorization === '' ? [] : [`auth.${base64url(authorization)}`]
  return new WebSocket(url, ['octopod.v2', ...credentialProtocol])
}

/** Why the server opens no websocket, in its own words: browsers do not tell. Empty when it does not say. */
export async function explainFailure({ origin }: Location): Promise<string> {
  try {
    const path = `${basePath}/event?origin=${encodeURIComponent(origin)}`
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10_000) })
    return response.ok ? '' : (await readError(response)).message
  } catch {
    return ''
  }
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
