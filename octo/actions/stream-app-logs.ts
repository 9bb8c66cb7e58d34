/**
 * Streams the logs of a running app. Reconnects after its last line while the app is followed. Called by
 * commands/deployments/app-logs.ts.
 */

import { readEvents } from '../../client/read-events.ts'
import { type AppLogEvents, appLogEnds } from '../../domain/output/app-log-events.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import type { ApiClient } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { toCliError } from '../errors/http.ts'

export type AppLogEvent = {
  [Name in keyof AppLogEvents]: { event: Name; data: AppLogEvents[Name] }
}[keyof AppLogEvents]

export type AppLogOptions = {
  tail: number
  follow: boolean
  /** Called for every reconnect that may be seen: after an end that the server tells, and after a longer outage. */
  onReconnect: (reason: string) => void
  idleTimeoutMs?: number
  initialBackoffMs?: number
  reportAfterMs?: number
}

/** After this many failed attempts in a row, the outage is an error. */
const maxAttempts = 30

/** Yields lines, gaps and states. Returns the last end; it throws when the logs cannot be read. */
export async function* streamAppLogs(
  client: ApiClient,
  name: string,
  { onReconnect, reportAfterMs = 3000, initialBackoffMs = 300, ...options }: AppLogOptions,
): AsyncGenerator<AppLogEvent, AppLogEvents['end']> {
  const position = { lastId: '' }
  let hasBegun = false
  let attempt = 0
  let outage: { sinceMs: number; isReported: boolean } | null = null
  for (;;) {
    try {
      for await (const event of openStream(client, name, options, position)) {
        if (event.event !== 'end') {
          hasBegun = true
          attempt = 0
          outage = null
          yield event
          continue
        }
        if (!options.follow || !appLogEnds[event.data.reason].reconnect) return event.data
        onReconnect(event.data.message)
        break
      }
    } catch (error) {
      if (!(error instanceof CliError) || !mayRecover(error, hasBegun) || attempt >= maxAttempts) throw error
      outage ??= { sinceMs: performance.now(), isReported: false }
      if (!outage.isReported && performance.now() - outage.sinceMs >= reportAfterMs) {
        outage.isReported = true
        onReconnect(error.message)
      }
    }
    attempt += 1
    await delay(backoffMs(attempt - 1, initialBackoffMs, 5000))
  }
}

/** A runner that restarts leaves others busy, or nobody, for a moment. */
function mayRecover({ kind, transient, code }: CliError, hasBegun: boolean): boolean {
  if (transient || kind === 'unreachable') return true
  return hasBegun && (code === 'app_logs_busy' || code === 'script_query_timeout')
}

/** One connection. Ends without an end event when it was lost. */
async function* openStream(
  { connection, http }: ApiClient,
  name: string,
  { tail, follow, idleTimeoutMs = 40_000 }: Pick<AppLogOptions, 'tail' | 'follow' | 'idleTimeoutMs'>,
  position: { lastId: string },
): AsyncGenerator<AppLogEvent, void> {
  const ended = new AbortController()
  try {
    const response = await http.fetch('streamAppLogs', {
      params: { name },
      query: { tail, follow: follow ? 'true' : 'false' },
      headers: {
        accept: 'text/event-stream',
        ...(position.lastId === '' ? {} : { 'last-event-id': position.lastId }),
      },
      signal: ended.signal,
      timeoutMs: null,
    })
    for await (const { id, event, data } of readEvents(response.body, idleTimeoutMs)) {
      const read = readEvent(event ?? '', data)
      if (read === undefined) continue
      // The message was damaged on the way; the next connection requests it again.
      if (read === null) return
      if (id) position.lastId = id
      yield read
    }
  } catch (error) {
    throw toCliError(connection, error, false)
  } finally {
    ended.abort()
  }
}

/** Null for a damaged message, undefined for an event that this octo does not know. */
function readEvent(event: string, text: string): AppLogEvent | null | undefined {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof data !== 'object' || data === null) return null
  const has = (key: string, type: string) => typeof (data as Record<string, unknown>)[key] === type
  const isKnown: Record<string, () => boolean> = {
    state: () => has('state', 'string') && has('resumed', 'boolean'),
    line: () => has('at', 'string') && has('text', 'string'),
    dropped: () => has('lines', 'number') && has('reason', 'string'),
    end: () => has('message', 'string') && (data as { reason: string }).reason in appLogEnds,
  }
  if (!Object.hasOwn(isKnown, event)) return undefined
  return isKnown[event]?.() ? ({ event, data } as AppLogEvent) : null
}
