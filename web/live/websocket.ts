/**
 * Opens the websocket of this host. The credential is sent as a second subprotocol, because browsers cannot
 * set headers on a websocket.
 */
import type { Socket } from './live-connection.ts'

export function openWebSocket(location: Location, authorization: string): Socket {
  const url = `${location.protocol.replace('http', 'ws')}//${location.host}/event`
  const credentialProtocol = authorization === '' ? [] : [`auth.${base64url(authorization)}`]
  return new WebSocket(url, ['octopod.v2', ...credentialProtocol])
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
