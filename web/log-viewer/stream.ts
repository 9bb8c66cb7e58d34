/**
 * The output of an action as it grows: server-sent events read by fetch, because an EventSource cannot send the
 * credential. Resumes after the last chunk. Used by pages/output.ts.
 */
import type { OutputChunk } from '../../domain/schemas.ts'
import type { ApiClient } from '../api/client.ts'
import { type ApiError, isClientError, toApiError } from '../api/errors.ts'

type ServerSentEvent = { event: string; data: string }

export type OutputListener = {
  chunk(chunk: OutputChunk): void
  /** The connection was lost and is tried again; null: it is there again. */
  connectionError(problem: ApiError | null): void
  /** Refused for good. */
  rejected(problem: ApiError): void
  end(): void
}

const maxRetryDelayMs = 10_000
/** The server says every 15 s that it is still there; a connection that is cut without a word must be noticed. */
const defaultSilenceTimeoutMs = 40_000

/** Returns when the action has ended and everything is told, when it is refused, or when `signal` aborts. */
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
      const response = await inTime(request, silenceTimeoutMs)
      listener.connectionError(null)
      for await (const { event, data } of readServerSentEvents(
        response.body as ReadableStream,
        silenceTimeoutMs,
      )) {
        attempt = 0
        if (event === 'end') return listener.end()
        if (event !== 'chunk') continue
        const chunk = JSON.parse(data) as OutputChunk
        after = chunk.seq
        listener.chunk(chunk)
      }
    } catch (error) {
      if (signal.aborted) return
      const problem = toApiError(error)
      if (isClientError(problem)) return listener.rejected(problem)
      listener.connectionError(problem)
    } finally {
      requestEnded.abort()
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(maxRetryDelayMs, 500 * 2 ** attempt)))
  }
}

/** Comments and fields of no use here are skipped; an event cut off by the end is not one. Who asked ends the stream. */
export async function* readServerSentEvents(
  stream: ReadableStream<Uint8Array>,
  silenceTimeoutMs: number,
): AsyncGenerator<ServerSentEvent> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let buffer = ''
  for (;;) {
    const { value, done } = await inTime(reader.read(), silenceTimeoutMs)
    if (done) return
    const blocks = (buffer + decoder.decode(value, { stream: true })).split('\n\n')
    buffer = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parseEvent(block)
      if (event !== null) yield event
    }
  }
}

async function inTime<T>(reading: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ms, new DOMException('', 'TimeoutError'))
  })
  return Promise.race([reading, late]).finally(() => clearTimeout(timer))
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
