/**
 * The logs of a running app. A broken stream goes on after its last line. Used by web/app-logs/ and octo/actions/stream-app-logs.ts.
 */
import { type AppLogEvents, appLogEnds } from '../domain/output/app-log-events.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import type { ApiClient } from './call-endpoint.ts'
import { type ApiError, toApiError } from './errors.ts'
import { parseJson } from './parse-json.ts'
import { readEvents, throwSilent } from './read-events.ts'
import { reconnect } from './reconnect.ts'

export type AppLogEvent = {
  [Name in keyof AppLogEvents]: { event: Name; data: AppLogEvents[Name] }
}[keyof AppLogEvents]

export type AppLogStreamOptions = {
  tail: number
  follow: boolean
  signal?: AbortSignal
  /** Called with each failure that is retried, and with null when the connection works again. */
  onConnection?: (error: ApiError | null) => void
  /** Called with an end after which the logs go on, such as that of a runner. */
  onReconnect?: (end: AppLogEvents['end']) => void
  /** Whether another connection may help. `hasBegun`: something has come. */
  mayRecover(error: ApiError, hasBegun: boolean): boolean
  /** A longer silence is a dead connection: the server sends a comment every 15 s. */
  silenceTimeoutMs?: number
  maxAttempts?: number
  initialBackoffMs?: number
}

/** While a runner restarts, the other runners are busy or no runner answers. */
export const isRunnerRestart = ({ code }: Pick<ApiError, 'code'>): boolean =>
  code === 'app_logs_busy' || code === 'script_query_timeout'

/** Yields lines, gaps and states. Returns the last end; null when `signal` aborted. Throws ApiError. */
export async function* streamAppLogs(
  client: Pick<ApiClient, 'fetch'>,
  name: string,
  options: AppLogStreamOptions,
): AsyncGenerator<AppLogEvent, AppLogEvents['end'] | null> {
  const { signal, onConnection, maxAttempts, initialBackoffMs } = options
  const position: Position = { lastId: '' }
  let hasBegun = false
  const open = async function* (): AsyncGenerator<AppLogEvent, AppLogEvents['end'] | null> {
    try {
      for await (const event of openStream(client, name, options, position)) {
        hasBegun = true
        if (event.event !== 'end') {
          yield event
          continue
        }
        if (!options.follow || !appLogEnds[event.data.reason].reconnect) return event.data
        options.onReconnect?.(event.data)
        return null
      }
      return null
    } catch (error) {
      throw toApiError(error)
    }
  }
  return yield* reconnect(open, {
    signal,
    mayRecover: (error) => options.mayRecover(error as ApiError, hasBegun),
    onConnection: (error) => onConnection?.(error as ApiError | null),
    maxAttempts,
    initialBackoffMs,
  })
}

type Position = { lastId: string }

/** The events of one connection. */
async function* openStream(
  client: Pick<ApiClient, 'fetch'>,
  name: string,
  { tail, follow, signal, silenceTimeoutMs = 40_000, onConnection }: AppLogStreamOptions,
  position: Position,
): AsyncGenerator<AppLogEvent, void> {
  const ended = new AbortController()
  try {
    const request = client.fetch('streamAppLogs', {
      params: { name },
      query: { tail, follow: follow ? 'true' : 'false' },
      headers: {
        Accept: 'text/event-stream',
        ...(position.lastId === '' ? {} : { 'Last-Event-ID': position.lastId }),
      },
      signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
      timeoutMs: null,
    })
    const response = await withTimeout(request, silenceTimeoutMs, throwSilent)
    onConnection?.(null)
    for await (const { id, event, data } of readEvents(response.body, silenceTimeoutMs)) {
      const read = readEvent(event ?? '', data)
      if (read === undefined) continue
      // The message was damaged on the way; the next connection requests it again.
      if (read === null) return
      if (id) position.lastId = id
      yield read
    }
  } finally {
    ended.abort()
  }
}

/** Null for a damaged message, undefined for an event that this client does not know. */
function readEvent(event: string, text: string): AppLogEvent | null | undefined {
  const data = parseJson<Record<string, unknown>>(text)
  if (typeof data !== 'object' || data === null) return null
  const has = (key: string, type: string) => typeof data[key] === type
  const isKnown: Record<string, () => boolean> = {
    state: () => has('state', 'string') && has('resumed', 'boolean'),
    line: () => has('at', 'string') && has('text', 'string'),
    dropped: () => has('lines', 'number') && has('reason', 'string'),
    end: () => has('message', 'string') && Object.hasOwn(appLogEnds, String(data.reason)),
  }
  if (!Object.hasOwn(isKnown, event)) return undefined
  return isKnown[event]?.() ? ({ event, data } as unknown as AppLogEvent) : null
}
