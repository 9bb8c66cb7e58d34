/** Server-sent events with heartbeats and backpressure; ends when the writer returns or the client goes. */

type SentEvent = { id: number; event: string; data: string }
type Send = (event: SentEvent) => Promise<void>

const heartbeatMs = 15_000

/**
 * `write` gets a signal that aborts when the client has gone, or has read nothing from one heartbeat to the next. An error of
 * it ends the stream; the client resumes.
 */
export function eventStream(
  client: AbortSignal,
  write: (send: Send, gone: AbortSignal) => Promise<void>,
  everyMs = heartbeatMs,
): Response {
  const leaving = new AbortController()
  const gone = AbortSignal.any([client, leaving.signal])
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let room = Promise.withResolvers<void>()
  const readable = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given
    },
    pull: () => room.resolve(),
    cancel: () => leaving.abort(),
  })
  gone.addEventListener('abort', () => room.resolve(), { once: true })

  const put = async (text: string) => {
    while (!gone.aborted && (controller?.desiredSize ?? 0) <= 0) {
      await room.promise
      room = Promise.withResolvers()
    }
    if (gone.aborted) throw new Error('the client has gone')
    controller?.enqueue(encoder.encode(text))
  }
  const send: Send = ({ id, event, data }) => put(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)

  let unread = false
  const heartbeat = setInterval(() => {
    if (unread) {
      // An error, not an end: what lies unread would keep the connection open.
      controller?.error(new Error('the client does not read'))
      return leaving.abort()
    }
    unread = true
    put(': still here\n\n').then(
      () => {
        unread = false
      },
      () => {},
    )
  }, everyMs)

  put('retry: 2000\n\n')
    .then(() => write(send, gone))
    .catch(() => {})
    .finally(() => {
      clearInterval(heartbeat)
      end(controller)
      // As long as anybody listens, a signal made of others lives as long as they do: here as long as the server.
      leaving.abort()
    })
  return new Response(readable, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
  })
}

function end(controller: ReadableStreamDefaultController<Uint8Array> | undefined): void {
  try {
    controller?.close()
  } catch {
    // The client has cancelled it.
  }
}
