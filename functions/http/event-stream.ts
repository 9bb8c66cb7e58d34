/**
 * A response of server-sent events, or of lines, with heartbeats and backpressure. It ends when the writer returns or the client
 * disconnects. Used by actions/output.ts, app-logs/ and audit/stream-entries.ts.
 */
import { lineType } from '../../domain/endpoints.ts'

type ServerSentEvent = { id: number | string; event: string; data: string }
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
  return createTextStream(client, eventFormat, heartbeatIntervalMs, (enqueue, disconnected) =>
    write(({ id, event, data }) => enqueue(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`), disconnected),
  )
}

/** `write` sends lines without their ends. */
export function createLineStream(
  client: AbortSignal,
  write: (send: (line: string) => Promise<void>, disconnected: AbortSignal) => Promise<void>,
): Response {
  return createTextStream(client, lineFormat, heartbeatMs, (enqueue, disconnected) =>
    write((line) => enqueue(`${line}\n`), disconnected),
  )
}

type Format = { contentType: string; begin: string; heartbeat: string }
const eventFormat: Format = {
  contentType: 'text/event-stream',
  begin: 'retry: 2000\n\n',
  heartbeat: ': still here\n\n',
}
const lineFormat: Format = { contentType: lineType, begin: '\n', heartbeat: '\n' }

function createTextStream(
  client: AbortSignal,
  format: Format,
  heartbeatIntervalMs: number,
  write: (enqueue: (text: string) => Promise<void>, disconnected: AbortSignal) => Promise<void>,
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
  let isUnread = false
  const heartbeat = setInterval(() => {
    if (isUnread) {
      // An error instead of an end: unread data would keep the connection open.
      controller?.error(new Error('the client does not read'))
      return disconnect.abort()
    }
    isUnread = true
    enqueue(format.heartbeat).then(
      () => {
        isUnread = false
      },
      () => {},
    )
  }, heartbeatIntervalMs)

  enqueue(format.begin)
    .then(() => write(enqueue, disconnected))
    .catch(() => {})
    .finally(() => {
      clearInterval(heartbeat)
      closeStream(controller)
      // A signal made by AbortSignal.any lives as long as its sources while it has listeners: here as long as the
      // server.
      disconnect.abort()
    })
  return new Response(readable, {
    headers: { 'Content-Type': format.contentType, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
  })
}

function closeStream(controller: ReadableStreamDefaultController<Uint8Array> | undefined): void {
  try {
    controller?.close()
  } catch {
    // The client has already cancelled the stream.
  }
}
