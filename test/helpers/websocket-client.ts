/** A websocket client that keeps all messages it receives. */
import { WebSocket } from 'ws'
import type { LiveMessage } from '../../domain/event.ts'
import { waitFor } from './wait-for.ts'

export async function connectWebSocket(
  url: string,
  protocols: string[] = [],
  options: { origin?: string; headers?: Record<string, string> } = {},
) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/event`, protocols, options)
  const messages: LiveMessage[] = []
  let closeCode: number | null = null
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  socket.on('close', (code) => {
    closeCode = code
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('unexpected-response', (_, response) => reject(new Error(`rejected: ${response.statusCode}`)))
    socket.once('error', reject)
  })
  return {
    socket,
    messages,
    closeCode: () => closeCode,
    events: () => messages.flatMap((message) => (message.type === 'event' ? [message.event] : [])),
    until: (what: string, done: (messages: LiveMessage[]) => boolean) =>
      waitFor(what, async () => ({ done: done(messages), value: messages, seen: messages.slice(-3) })),
    close: () => socket.terminate(),
  }
}
