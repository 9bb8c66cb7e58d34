/** The websocket of this very host, with the credential as a second subprotocol: browsers cannot set headers on it. */
import type { Socket } from './live.ts'

export function connectTo(location: Location, authorization: string): Socket {
  const url = `${location.protocol.replace('http', 'ws')}//${location.host}/event`
  const credential = authorization === '' ? [] : [`auth.${base64url(authorization)}`]
  return new WebSocket(url, ['octopod.v2', ...credential])
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
