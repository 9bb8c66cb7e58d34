/**
 * The output of an action until the action ends. A broken stream goes on after the last chunk, each chunk comes once, and where a proxy
 * blocks streams the output is read page by page. Used by web/log-viewer/ and octo/actions/stream-output.ts.
 */
import { hasEnded } from '../domain/actions.ts'
import type { OutputChunk, OutputEnd } from '../domain/schemas.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import type { ApiClient } from './call-endpoint.ts'
import { type ApiError, isClientError, toApiError } from './errors.ts'
import { parseJson } from './parse-json.ts'
import { readEvents, throwSilent } from './read-events.ts'
import { reconnect } from './reconnect.ts'

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
  const { signal, onConnection, maxAttempts, initialBackoffMs } = options
  let lastSeq = options.after ?? 0
  const connected = () => onConnection?.(null)
  const open = async function* (failures: number): AsyncGenerator<OutputChunk, OutputEnd | null> {
    const chunks =
      failures < maxEmptyStreams
        ? openStream(client, actionId, { ...options, after: lastSeq }, connected)
        : readPages(client, actionId, lastSeq, connected)
    try {
      for (;;) {
        const { value, done } = await chunks.next()
        if (done) return value
        if (value.seq <= lastSeq) continue
        lastSeq = value.seq
        yield value
      }
    } catch (error) {
      throw toApiError(error)
    } finally {
      await chunks.return(null)
    }
  }
  return yield* reconnect(open, {
    signal,
    mayRecover: (error) => !isClientError(error as ApiError) || (error as ApiError).retryable,
    onConnection: (error) => onConnection?.(error as ApiError | null),
    maxAttempts,
    initialBackoffMs,
    waitMs: (failures) => (failures >= maxEmptyStreams ? pollIntervalMs : null),
  })
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
