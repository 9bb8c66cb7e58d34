/**
 * Streams the output of an action until the action ends. Resumes the event stream after the last received chunk, and
 * reads page by page when a proxy blocks the stream. Called by wait-and-follow.ts, doctor-checks.ts and
 * commands/actions/logs.ts.
 */
import { type ActionState, isActive } from '../../domain/actions.ts'
import { buildPath } from '../../domain/endpoints.ts'
import type { OutputChunk } from '../../domain/schemas.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { commonHeaders, readResponse } from '../api/http-agent.ts'
import { readEvents } from '../api/server-sent-events.ts'
import type { ApiClient } from '../api/types.ts'
import { parseJson } from '../api/validate-response.ts'
import { CliError } from '../errors/cli-error.ts'
import { httpError } from '../errors/http.ts'
import { networkError } from '../errors/network.ts'

export type StreamOptions = {
  /** Only chunks with a greater number. */
  after?: number
  signal?: AbortSignal
  /**
   * Called once for each outage that lasts longer than `reportAfterMs`, because a rolling restart of the servers is
   * over sooner.
   */
  onConnectionLost?: (failure: CliError) => void
  /** Called with the reason when a limit of the history has removed the output. */
  onRemoved?: (reason: string) => void
  /** A longer silence is a dead connection: the server sends a heartbeat every 15 s. */
  idleTimeoutMs?: number
  reportAfterMs?: number
  initialBackoffMs?: number
}

/** After this many empty streams in a row, the output is read page by page. */
const maxEmptyStreams = 2
/** After this many failed attempts in a row, the outage is an error. */
const maxAttempts = 30
const pollIntervalMs = 1000

/** Yields every chunk once. Returns the final state of the action; null when `signal` aborted. */
export async function* streamOutput(
  client: ApiClient,
  actionId: number,
  {
    after = 0,
    signal,
    onConnectionLost,
    onRemoved,
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
        ? openStream(client, actionId, lastSeq, idleTimeoutMs, signal, onRemoved)
        : readPages(client, actionId, lastSeq, onRemoved)
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

/** Yields the chunks of one connection. Returns null when the stream ended before the action. */
export async function* openStream(
  { connection, dispatcher, authorize, renewCredential }: ApiClient,
  actionId: number,
  after: number,
  idleTimeoutMs: number,
  signal?: AbortSignal,
  onRemoved?: StreamOptions['onRemoved'],
  query = '',
): AsyncGenerator<OutputChunk, ActionState | null> {
  try {
    await authorize()
    const response = await dispatcher.request({
      origin: connection.origin,
      path: connection.prefix + buildPath('streamOutput', { action_id: actionId }) + query,
      method: 'GET',
      headers: { ...commonHeaders(connection, 'text/event-stream'), 'last-event-id': String(after) },
      bodyTimeout: idleTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (response.statusCode !== 200) {
      const refused = await readResponse(response)
      if (refused.status === 401 && connection.idTokenSource !== null && (await renewCredential()))
        return null
      throw httpError(connection, refused)
    }
    for await (const { event, data } of readEvents(response.body)) {
      if (event !== 'chunk' && event !== 'end') continue
      const message = event === 'chunk' ? parseJson('outputChunk', data) : parseJson('outputEnd', data)
      // The message was damaged on the way; the next connection requests it again.
      if (message === null) return null
      if ('state' in message) {
        if (message.output_removal_reason) onRemoved?.(message.output_removal_reason)
        return message.state
      }
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
  onRemoved: StreamOptions['onRemoved'],
): AsyncGenerator<OutputChunk, ActionState | null> {
  let lastSeq = after
  for (;;) {
    const query = { after: lastSeq }
    const page = await client.call('getOutput', { params: { action_id: actionId }, query })
    if (page.output_removal_reason) onRemoved?.(page.output_removal_reason)
    yield* page.chunks
    lastSeq = page.chunks.at(-1)?.seq ?? lastSeq
    if (page.done && !isActive(page.state)) return page.state
    if (page.chunks.length === 0) return null
  }
}
