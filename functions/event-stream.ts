/** Server-sent events with heartbeats and backpressure; ends when the writer returns or the client goes. */

type SentEvent = { id: number; event: string; data: string }
type Send = (event: SentEvent) => Promise<void>

const heartbeatMs = 15_000

/** `write` gets a signal that aborts when the client has gone. An error of it ends the stream; the client resumes. */
export function eventStream(
  client: AbortSignal,
  write: (send: Send, gone: AbortSignal) => Promise<void>,
): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const leaving = new AbortController()
  const gone = AbortSignal.any([client, leaving.signal])
  const encoder = new TextEncoder()
  const put = async (text: string) => {
    await writer.ready
    await writer.write(encoder.encode(text))
  }
  writer.closed.catch(() => {}).finally(() => leaving.abort())
  const heartbeat = setInterval(() => void put(': still here\n\n').catch(() => leaving.abort()), heartbeatMs)
  const send: Send = ({ id, event, data }) => put(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)

  put('retry: 2000\n\n')
    .then(() => write(send, gone))
    .catch(() => {})
    .finally(() => {
      clearInterval(heartbeat)
      void writer.close().catch(() => {})
    })
  return new Response(readable, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
  })
}
