/** Streams the logs of the app, and connects again after its last line. Used by app-log-viewer.ts. */

import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, isClientError, toApiError } from '../../client/errors.ts'
import { type AppLogEvents, appLogEnds, defaultAppLogTail } from '../../domain/output/app-log-events.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { withTimeout } from '../../lib/with-timeout.ts'

export type AppLogListener = {
  connected(): void
  /** `resumed`: the lines follow those that have come. */
  running(resumed: boolean): void
  line(text: string): void
  dropped(dropped: AppLogEvents['dropped']): void
  /** The stream is interrupted and opened again. */
  interrupted(reason: string): void
  /** The server rejected the request; there is no retry. */
  rejected(error: ApiError): void
  ended(end: AppLogEvents['end']): void
}

const maxRetryDelayMs = 10_000
/** The server sends a comment every 15 s, so longer silence means a lost connection. */
const silenceTimeoutMs = 40_000

/** Returns when the script has ended, when the server rejects the request, or when `signal` is aborted. */
export async function streamAppLogs(
  client: ApiClient,
  name: string,
  signal: AbortSignal,
  listener: AppLogListener,
): Promise<void> {
  let lastId = ''
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const requestEnded = new AbortController()
    try {
      const request = client.fetch('streamAppLogs', {
        params: { name },
        query: { tail: defaultAppLogTail },
        ...(lastId === '' ? {} : { headers: { 'Last-Event-ID': lastId } }),
        signal: AbortSignal.any([signal, requestEnded.signal]),
        timeoutMs: null,
      })
      const response = await withTimeout(request, silenceTimeoutMs)
      listener.connected()
      for await (const { id, event, data } of readEvents(response.body)) {
        attempt = 0
        lastId = id
        if (event === 'line') listener.line((JSON.parse(data) as AppLogEvents['line']).text)
        else if (event === 'dropped') listener.dropped(JSON.parse(data))
        else if (event === 'state') {
          const { state, resumed } = JSON.parse(data) as AppLogEvents['state']
          if (state === 'running') listener.running(resumed)
        } else if (event === 'end') {
          const end = JSON.parse(data) as AppLogEvents['end']
          if (!appLogEnds[end.reason]?.reconnect) return listener.ended(end)
          listener.interrupted(end.message)
        }
      }
    } catch (caught) {
      if (signal.aborted) return
      const error = toApiError(caught)
      if (isClientError(error)) return listener.rejected(error)
      listener.interrupted(error.message)
    } finally {
      requestEnded.abort()
    }
    await delay(backoffMs(attempt, 500, maxRetryDelayMs), signal)
  }
}

type Body = AsyncIterable<Uint8Array>
type SentEvent = { id: string; event: string; data: string }

/** Skips comments and an incomplete last event. The server writes one line for each field. */
async function* readEvents(body: Body): AsyncGenerator<SentEvent, void> {
  const source = body[Symbol.asyncIterator]()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { value, done } = await withTimeout(source.next(), silenceTimeoutMs)
    if (done) return
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      if (field('event') !== '') yield { id: field('id'), event: field('event'), data: field('data') }
    }
  }
}
