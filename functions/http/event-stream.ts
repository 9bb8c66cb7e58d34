/**
 * A response of server-sent events with heartbeats and backpressure. It ends when the writer returns or the client
 * disconnects. Used by actions/output.ts.
 */

type ServerSentEvent = { id: number; event: string; data: string }
type Send = (event: ServerSentEvent) => Promise<void>

const heartbeatMs = 15_000

/**
 * The signal of `write` aborts when the client has disconnected, or has read nothing between two heartbeats. An error
 * thrown by `write` ends the stream, and the client resumes.
 */
export function createEventStream(
  client: AbortSignal,
  write: (send: Send, disconnected: AbortSignal) => Promise<void>,
  heartbeatIntervalMs = heartbeatMs,
): Response {
  const disconnect = new AbortController()
  const disconnected = AbortSignal.any([client, disconnect.signal])
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let drained = Promise.withResolvers<void>()
  const readable = new ReadableStream<Uint8Array>({
    start: (streamController) => {
      controller = streamController
    },
    pull: () => drained.resolve(),
    cancel: () => disconnect.abort(),
  })
  disconnected.addEventListener('abort', () => drained.resolve(), { once: true })

  const enqueue = async (text: string) => {
    while (!disconnected.aborted && (controller?.desiredSize ?? 0) <= 0) {
      await drained.promise
      drained = Promise.withResolvers()
    }
    if (disconnected.aborted) throw new Error('the client has disconnected')
    controller?.enqueue(encoder.encode(text))
  }
  const send: Send = ({ id, event, data }) => enqueue(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)

  let isUnread = false
  const heartbeat = setInterval(() => {
    if (isUnread) {
      // An error instead of an end: unread data would keep the connection open.
      controller?.error(new Error('the client does not read'))
      return disconnect.abort()
    }
    isUnread = true
    enqueue(': still here\n\n').then(
      () => {
        isUnread = false
      },
      () => {},
    )
  }, heartbeatIntervalMs)

  enqueue('retry: 2000\n\n')
    .then(() => write(send, disconnected))
    .catch(() => {})
    .finally(() => {
      clearInterval(heartbeat)
      closeStream(controller)
      // A signal made by AbortSignal.any lives as long as its sources while it has listeners: here as long as the
      // server.
      disconnect.abort()
    })
  return new Response(readable, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
  })
}

function closeStream(controller: ReadableStreamDefaultController<Uint8Array> | undefined): void {
  try {
    controller?.close()
  } catch {
    // The client has already cancelled the stream.
  }
}
