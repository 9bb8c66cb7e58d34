/** Reads server-sent events. Called by output-stream.ts. */
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { withTimeout } from '../lib/with-timeout.ts'
import { ApiError } from './errors.ts'

/**
 * Skips comments (heartbeats) and an incomplete last event. Throws an ApiError after a silence of `silenceTimeoutMs`. The caller ends
 * the request.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  silenceTimeoutMs: number,
): AsyncGenerator<EventSourceMessage, void> {
  const decoder = new TextDecoder()
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => events.push(event) })
  const pieces = body[Symbol.asyncIterator]()
  for (;;) {
    const { value, done } = await withTimeout(pieces.next(), silenceTimeoutMs, throwSilent)
    if (done) return
    parser.feed(decoder.decode(value, { stream: true }))
    yield* events.splice(0)
  }
}

export function throwSilent(): never {
  throw new ApiError('timed_out', 'The server did not answer in time.', { retryable: true })
}
