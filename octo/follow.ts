/**
 * The output of an action as it is written, to its end: over the event stream, resumed after the last chunk seen, or
 * page by page where something on the way (a proxy that holds streams back) lets none through. Called by commands.
 */
import { type ActionState, isActive } from '../domain/action.ts'
import { pathOf } from '../domain/places.ts'
import type { OutputChunk } from '../domain/shapes.ts'
import { answered, type Octopod, plainHeaders } from './client.ts'
import { Failure } from './failure.ts'
import { unreachable } from './fault.ts'
import { parsed } from './json.ts'
import { refusal } from './refusal.ts'
import { backoffMs, pause } from './retry.ts'
import { readEvents } from './sse.ts'

export type FollowOptions = {
  /** Chunks with a greater number only. */
  after?: number
  signal?: AbortSignal
  /** The output is out of reach; called once an absence, when it has lasted `quietMs`: a server that hands over to
   * another is back at once. */
  onCut?: (failure: Failure) => void
  /** The server sends a sign of life every 15 s: longer silence is a dead connection. */
  silenceMs?: number
  quietMs?: number
  firstPauseMs?: number
}

/** Streams in a row that brought nothing before pages are asked for instead. */
const emptyStreams = 2
/** How long the server may stay away before it is an error. */
const attemptsInARow = 30
const pollMs = 1000

/** Gives chunk after chunk, each once; returns the state in which the action ended, null when `signal` aborted. */
export async function* followOutput(
  octopod: Octopod,
  actionId: number,
  { after = 0, signal, onCut, silenceMs = 40_000, quietMs = 3000, firstPauseMs = 300 }: FollowOptions = {},
): AsyncGenerator<OutputChunk, ActionState | null> {
  let seen = after
  let attempt = 0
  let empty = 0
  let away: { sinceMs: number; told: boolean } | null = null
  while (!signal?.aborted) {
    const source =
      empty < emptyStreams
        ? streamed(octopod, actionId, seen, silenceMs, signal)
        : paged(octopod, actionId, seen)
    let brought = false
    try {
      for (;;) {
        const { value, done } = await source.next()
        if (done && value !== null) return value
        if (done) break
        brought = true
        attempt = 0
        away = null
        if (value.seq <= seen) continue
        seen = value.seq
        yield value
      }
    } catch (error) {
      if (signal?.aborted) return null
      if (!(error instanceof Failure) || !isPassing(error) || attempt >= attemptsInARow) throw error
      away ??= { sinceMs: performance.now(), told: false }
      if (!away.told && performance.now() - away.sinceMs >= quietMs) {
        away.told = true
        onCut?.(error)
      }
    }
    empty = brought ? 0 : empty + 1
    attempt += 1
    await pause(empty > emptyStreams ? pollMs : backoffMs(attempt - 1, firstPauseMs, 5000), signal)
  }
  return null
}

const isPassing = ({ kind, transient }: Failure) => transient || kind === 'unreachable'

/** One connection's worth of the stream. Null: it ended before the action did. */
export async function* streamed(
  { connection, dispatcher }: Octopod,
  actionId: number,
  after: number,
  silenceMs: number,
  signal?: AbortSignal,
): AsyncGenerator<OutputChunk, ActionState | null> {
  try {
    const answer = await dispatcher.request({
      origin: connection.origin,
      path: connection.prefix + pathOf('streamOutput', { action_id: actionId }),
      method: 'GET',
      headers: { ...plainHeaders(connection, 'text/event-stream'), 'last-event-id': String(after) },
      bodyTimeout: silenceMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.statusCode !== 200) throw refusal(connection, await answered(answer))
    for await (const { event, data } of readEvents(answer.body)) {
      if (event !== 'chunk' && event !== 'end') continue
      const said = event === 'chunk' ? parsed('outputChunk', data) : parsed('outputEnd', data)
      // Something on the way has spoilt it: it is asked for again.
      if (said === null) return null
      if ('state' in said) return said.state
      yield said
    }
    return null
  } catch (error) {
    if (error instanceof Failure) throw error
    throw unreachable(connection, error, false)
  }
}

async function* paged(
  octopod: Octopod,
  actionId: number,
  after: number,
): AsyncGenerator<OutputChunk, ActionState | null> {
  let seen = after
  for (;;) {
    const query = { after: seen }
    const page = await octopod.call('getOutput', { params: { action_id: actionId }, query })
    yield* page.chunks
    seen = page.chunks.at(-1)?.seq ?? seen
    if (page.done && !isActive(page.state)) return page.state
    if (page.chunks.length === 0) return null
  }
}
