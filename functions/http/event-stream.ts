/** Server-sent events with heartbeats and backpressure; ends when the writer returns or the client goes. */

type ServerSentEvent = { id: number; event: string; data: string }
type Send = (event: ServerSentEvent) => Promise<void>

const heartbeatMs = 15_000

/**
 * `write` gets a signal that aborts when the client has gone, or has read nothing from one heartbeat to the next. An error of
 * it ends the stream; the client resumes.
 */
export function createEventStream(
  client: AbortSignal,
  write: (send: Send, gone: AbortSignal) => Promise<void>,
  heartbeatIntervalMs = heartbeatMs,
): Response {
  const disconnect = new AbortController()
  const disconnected = AbortSignal.any([client, disconnect.signal])
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let drained = Promise.withResolvers<void>()
  const readable = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given
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
    if (disconnected.aborted) throw new Error('the client has gone')
    controller?.enqueue(encoder.encode(text))
  }
  const send: Send = ({ id, event, data }) => enqueue(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)

  let unread = false
  const heartbeat = setInterval(() => {
    if (unread) {
      // An error, not an end: what lies unread would keep the connection open.
      controller?.error(new Error('the client does not read'))
      return disconnect.abort()
    }
    unread = true
    enqueue(': still here\n\n').then(
      () => {
        unread = false
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
      // As long as anybody listens, a signal made of others lives as long as they do: here as long as the server.
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
    // The client has cancelled it.
  }
}
