/**
 * Streams the output of an action. Server-sent events are read by `fetch`, because EventSource cannot send
 * the credential. Resumes after the last chunk. Used by log-viewer.ts.
 */

import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, isClientError, toApiError } from '../../client/errors.ts'
import type { OutputChunk, OutputEnd } from '../../domain/schemas.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { withTimeout } from '../../lib/with-timeout.ts'

type ServerSentEvent = { event: string; data: string }

export type OutputListener = {
  chunk(chunk: OutputChunk): void
  /** The connection is lost and being retried; null: connected again. */
  connectionError(error: ApiError | null): void
  /** The server rejected the request; there is no retry. */
  rejected(error: ApiError): void
  /** `removalReason`: why the output was removed; null when it was not. */
  end(removalReason: string | null): void
}

const maxRetryDelayMs = 10_000
/** The server sends a comment every 15 s, so longer silence means a lost connection. */
const defaultSilenceTimeoutMs = 40_000

/** Returns when the output is complete, when the server rejects the request, or when `signal` is aborted. */
export async function streamOutput(
  client: ApiClient,
  actionId: number,
  signal: AbortSignal,
  listener: OutputListener,
  silenceTimeoutMs = defaultSilenceTimeoutMs,
): Promise<void> {
  let after = 0
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const requestEnded = new AbortController()
    try {
      const request = client.fetch('streamOutput', {
        params: { action_id: actionId },
        query: { after },
        signal: AbortSignal.any([signal, requestEnded.signal]),
        timeoutMs: null,
      })
      const response = await withTimeout(request, silenceTimeoutMs)
      listener.connectionError(null)
      for await (const { event, data } of readServerSentEvents(response.body, silenceTimeoutMs)) {
        attempt = 0
        if (event === 'end')
          return listener.end((JSON.parse(data) as OutputEnd).output_removal_reason ?? null)
        if (event !== 'chunk') continue
        const chunk = JSON.parse(data) as OutputChunk
        after = chunk.seq
        listener.chunk(chunk)
      }
    } catch (caught) {
      if (signal.aborted) return
      const error = toApiError(caught)
      if (isClientError(error)) return listener.rejected(error)
      listener.connectionError(error)
    } finally {
      requestEnded.abort()
    }
    await delay(backoffMs(attempt, 500, maxRetryDelayMs))
  }
}

/** Skips comments, unused fields and an incomplete last event. The caller ends the stream. */
export async function* readServerSentEvents(
  stream: AsyncIterable<Uint8Array>,
  silenceTimeoutMs: number,
): AsyncGenerator<ServerSentEvent> {
  const reader = stream[Symbol.asyncIterator]()
  const decoder = new TextDecoder()
  let buffer = ''
  for (;;) {
    const { value, done } = await withTimeout(reader.next(), silenceTimeoutMs)
    if (done) return
    const blocks = (buffer + decoder.decode(value, { stream: true })).split('\n\n')
    buffer = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parseEvent(block)
      if (event !== null) yield event
    }
  }
}

function parseEvent(block: string): ServerSentEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { event, data: data.join('\n') }
}
