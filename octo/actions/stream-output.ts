/**
 * The output of an action as it is written, to its end: over the event stream, resumed after the last chunk seen, or
 * page by page where something on the way (a proxy that holds streams back) lets none through. Called by commands.
 */
import { type ActionState, isActive } from '../../domain/actions.ts'
import { buildPath } from '../../domain/endpoints.ts'
import type { OutputChunk } from '../../domain/schemas.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { type ApiClient, commonHeaders, readResponse } from '../api/client.ts'
import { readEvents } from '../api/server-sent-events.ts'
import { parseJson } from '../api/validate-response.ts'
import { CliError } from '../errors/cli-error.ts'
import { httpError } from '../errors/http.ts'
import { networkError } from '../errors/network.ts'

export type StreamOptions = {
  /** Chunks with a greater number only. */
  after?: number
  signal?: AbortSignal
  /** The output is out of reach; called once an absence, when it has lasted `quietMs`: a server that hands over to
   * another is back at once. */
  onConnectionLost?: (failure: CliError) => void
  /** The server sends a sign of life every 15 s: longer silence is a dead connection. */
  idleTimeoutMs?: number
  reportAfterMs?: number
  initialBackoffMs?: number
}

/** Streams in a row that brought nothing before pages are asked for instead. */
const maxEmptyStreams = 2
/** How long the server may stay away before it is an error. */
const maxAttempts = 30
const pollIntervalMs = 1000

/** Gives chunk after chunk, each once; returns the state in which the action ended, null when `signal` aborted. */
export async function* streamOutput(
  client: ApiClient,
  actionId: number,
  {
    after = 0,
    signal,
    onConnectionLost,
    idleTimeoutMs = 40_000,
    reportAfterMs = 3000,
    initialBackoffMs = 300,
  }: StreamOptions = {},
): AsyncGenerator<OutputChunk, ActionState | null> {
  let lastSeq = after
  let attempt = 0
  let emptyCount = 0
  let outage: { sinceMs: number; reported: boolean } | null = null
  while (!signal?.aborted) {
    const source =
      emptyCount < maxEmptyStreams
        ? openStream(client, actionId, lastSeq, idleTimeoutMs, signal)
        : readPages(client, actionId, lastSeq)
    let receivedAny = false
    try {
      for (;;) {
        const { value, done } = await source.next()
        if (done && value !== null) return value
        if (done) break
        receivedAny = true
        attempt = 0
        outage = null
        if (value.seq <= lastSeq) continue
        lastSeq = value.seq
        yield value
      }
    } catch (error) {
      if (signal?.aborted) return null
      if (!(error instanceof CliError) || !mayRecover(error) || attempt >= maxAttempts) throw error
      outage ??= { sinceMs: performance.now(), reported: false }
      if (!outage.reported && performance.now() - outage.sinceMs >= reportAfterMs) {
        outage.reported = true
        onConnectionLost?.(error)
      }
    }
    emptyCount = receivedAny ? 0 : emptyCount + 1
    attempt += 1
    await delay(
      emptyCount > maxEmptyStreams ? pollIntervalMs : backoffMs(attempt - 1, initialBackoffMs, 5000),
      signal,
    )
  }
  return null
}

const mayRecover = ({ kind, transient }: CliError) => transient || kind === 'unreachable'

/** One connection's worth of the stream. Null: it ended before the action did. */
export async function* openStream(
  { connection, dispatcher }: ApiClient,
  actionId: number,
  after: number,
  idleTimeoutMs: number,
  signal?: AbortSignal,
): AsyncGenerator<OutputChunk, ActionState | null> {
  try {
    const response = await dispatcher.request({
      origin: connection.origin,
      path: connection.prefix + buildPath('streamOutput', { action_id: actionId }),
      method: 'GET',
      headers: { ...commonHeaders(connection, 'text/event-stream'), 'last-event-id': String(after) },
      bodyTimeout: idleTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (response.statusCode !== 200) throw httpError(connection, await readResponse(response))
    for await (const { event, data } of readEvents(response.body)) {
      if (event !== 'chunk' && event !== 'end') continue
      const message = event === 'chunk' ? parseJson('outputChunk', data) : parseJson('outputEnd', data)
      // Something on the way has spoilt it: it is asked for again.
      if (message === null) return null
      if ('state' in message) return message.state
      yield message
    }
    return null
  } catch (error) {
    if (error instanceof CliError) throw error
    throw networkError(connection, error, false)
  }
}

async function* readPages(
  client: ApiClient,
  actionId: number,
  after: number,
): AsyncGenerator<OutputChunk, ActionState | null> {
  let lastSeq = after
  for (;;) {
    const query = { after: lastSeq }
    const page = await client.call('getOutput', { params: { action_id: actionId }, query })
    yield* page.chunks
    lastSeq = page.chunks.at(-1)?.seq ?? lastSeq
    if (page.done && !isActive(page.state)) return page.state
    if (page.chunks.length === 0) return null
  }
}
