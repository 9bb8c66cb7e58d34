/**
 * The output of an action until the action ends. A broken stream goes on after the last chunk, each chunk comes once, and where a proxy
 * blocks streams the output is read page by page. Used by web/log-viewer/ and octo/actions/stream-output.ts.
 */
import { hasEnded } from '../domain/actions.ts'
import type { OutputChunk, OutputEnd } from '../domain/schemas.ts'
import { backoffMs } from '../lib/backoff.ts'
import { delay } from '../lib/delay.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import type { ApiClient } from './call-endpoint.ts'
import { type ApiError, isClientError, toApiError } from './errors.ts'
import { parseJson } from './parse-json.ts'
import { readEvents, throwSilent } from './read-events.ts'

export type OutputStreamOptions = {
  /** Only chunks with a greater number. */
  after?: number
  signal?: AbortSignal | undefined
  /** Called with each failure that is retried, and with null when the connection works again. */
  onConnection?: (error: ApiError | null) => void
  /** A longer silence is a dead connection: the server sends a heartbeat every 15 s. */
  silenceTimeoutMs?: number
  /** After this many failures in a row, the failure is thrown. */
  maxAttempts?: number
  initialBackoffMs?: number
  /** For the stream only; `hold` lets the server wait with its last event. */
  hold?: number
}

type Client = Pick<ApiClient, 'fetch' | 'call'>

/** After this many empty streams in a row, the output is read page by page. */
const maxEmptyStreams = 2
const maxBackoffMs = 5000
const pollIntervalMs = 1000

/**
 * Yields every chunk once. Returns the end of the output; null when `signal` aborted. Throws ApiError when a retry does not help, for
 * example without the right to read output.
 */
export async function* streamOutput(
  client: Client,
  actionId: number,
  options: OutputStreamOptions = {},
): AsyncGenerator<OutputChunk, OutputEnd | null> {
  const {
    after = 0,
    signal,
    onConnection,
    maxAttempts = Number.POSITIVE_INFINITY,
    initialBackoffMs = 300,
  } = options
  let lastSeq = after
  let attempt = 0
  let emptyCount = 0
  while (!signal?.aborted) {
    const isStream = emptyCount < maxEmptyStreams
    const connected = () => onConnection?.(null)
    const chunks = isStream
      ? openStream(client, actionId, { ...options, after: lastSeq }, connected)
      : readPages(client, actionId, lastSeq, connected)
    let receivedAny = false
    try {
      for (;;) {
        const { value, done } = await chunks.next()
        if (done && value !== null) return value
        if (done) break
        receivedAny = true
        attempt = 0
        if (value.seq <= lastSeq) continue
        lastSeq = value.seq
        yield value
      }
    } catch (caught) {
      if (signal?.aborted) return null
      const error = toApiError(caught)
      const isFinal = isClientError(error) && !error.retryable
      if (isFinal || attempt >= maxAttempts) throw error
      onConnection?.(error)
    }
    emptyCount = receivedAny ? 0 : emptyCount + 1
    attempt += 1
    const isPolling = emptyCount > maxEmptyStreams
    await delay(isPolling ? pollIntervalMs : backoffMs(attempt - 1, initialBackoffMs, maxBackoffMs), signal)
  }
  return null
}

/** Yields the chunks of one connection. Returns null when the stream ended before the action. */
export async function* openStream(
  client: Client,
  actionId: number,
  { after = 0, signal, silenceTimeoutMs = 40_000, hold }: OutputStreamOptions,
  connected: () => void = () => {},
): AsyncGenerator<OutputChunk, OutputEnd | null> {
  const ended = new AbortController()
  try {
    const request = client.fetch('streamOutput', {
      params: { action_id: actionId },
      query: { after, ...(hold !== undefined && { hold }) },
      headers: { accept: 'text/event-stream' },
      signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
      timeoutMs: null,
    })
    const response = await withTimeout(request, silenceTimeoutMs, throwSilent)
    connected()
    for await (const { event, data } of readEvents(response.body, silenceTimeoutMs)) {
      if (event !== 'chunk' && event !== 'end') continue
      const message = parseJson<OutputChunk & OutputEnd>(data)
      // It was damaged on the way; the next connection gets it again.
      if (message === null) return null
      if (event === 'end') return message
      yield message
    }
    return null
  } finally {
    ended.abort()
  }
}

async function* readPages(
  client: Client,
  actionId: number,
  after: number,
  connected: () => void,
): AsyncGenerator<OutputChunk, OutputEnd | null> {
  for (let lastSeq = after; ; ) {
    const { chunks, done, ...end } = await client.call('getOutput', {
      params: { action_id: actionId },
      query: { after: lastSeq },
    })
    connected()
    yield* chunks
    lastSeq = chunks.at(-1)?.seq ?? lastSeq
    if (done && hasEnded(end.state)) return end
    if (chunks.length === 0) return null
  }
}
