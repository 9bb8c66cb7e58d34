/**
 * One change of many deployments as it is sent, or its preview: the outcomes so far, and how it can be stopped and continued. Created
 * by bulk-task.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { ApiError, toApiError } from '../../client/errors.ts'
import { type BulkChange, sendBulk } from '../../client/send-bulk.ts'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'

/** `stopped`: by the user. `failed`: the server has refused the whole request, or could not be reached for long. */
export type RunPhase = 'running' | 'stopped' | 'failed' | 'ended'

export type BulkRun = {
  names: readonly string[]
  phase: ReadonlySignal<RunPhase>
  /** In the order in which they have arrived. */
  lines: ReadonlySignal<readonly BulkLine[]>
  /** The connection is lost, and the missing names are sent again soon. */
  isReconnecting: ReadonlySignal<boolean>
  /** Only when it has failed. */
  error: ReadonlySignal<ApiError | null>
  /** Sends what has no outcome yet, with the same Idempotency-Key. Resolves when no request is open. */
  start(): Promise<void>
  stop(): void
}

/** Outcomes are drawn so often at most. */
const drawIntervalMs = 60
/** Two heartbeats of the server fit in. */
const silenceMs = 40_000

type Options = { key: string; reason?: string }

export function createBulkRun(
  client: ApiClient,
  names: readonly string[],
  change: BulkChange,
  { key, reason }: Options,
): BulkRun {
  const phase = signal<RunPhase>('stopped')
  const lines = signal<readonly BulkLine[]>([])
  const isReconnecting = signal(false)
  const error = signal<ApiError | null>(null)
  const received: BulkLine[] = []
  let stopping = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const publish = () => {
    clearTimeout(timer)
    timer = undefined
    lines.value = [...received]
  }
  const send = async (missing: readonly string[]) => {
    const silence = createSilenceLimit(stopping.signal)
    const response = await client.fetch('changeMany', {
      body: { ...change, names: [...missing] },
      key,
      reason,
      headers: { accept: 'application/x-ndjson' },
      signal: silence.signal,
      // It may take minutes.
      timeoutMs: null,
    })
    return silence.watch(response.body)
  }
  const retryAfterMs = (thrown: unknown) => {
    if (stopping.signal.aborted) return null
    const { kind, retryable, retryAfterMs: askedMs } = toApiError(thrown)
    if (!retryable && kind !== 'unreachable' && kind !== 'timed_out') return null
    isReconnecting.value = true
    return askedMs
  }
  const start = async () => {
    if (phase.peek() === 'running') return
    phase.value = 'running'
    error.value = null
    stopping = new AbortController()
    const { signal } = stopping
    const decided = new Set(received.map(({ name }) => name))
    const missing = names.filter((name) => !decided.has(name))
    const endedTooEarly = new ApiError('unreachable', 'The server has ended its answer too early.')
    try {
      for await (const line of sendBulk(missing, { send, retryAfterMs, endedTooEarly, signal })) {
        received.push(line)
        isReconnecting.value = false
        timer ??= setTimeout(publish, drawIntervalMs)
      }
      publish()
      phase.value = 'ended'
    } catch (thrown) {
      publish()
      if (!signal.aborted) error.value = toApiError(thrown)
      phase.value = signal.aborted ? 'stopped' : 'failed'
    }
    isReconnecting.value = false
  }
  return { names, phase, lines, isReconnecting, error, start, stop: () => stopping.abort() }
}

/** Ends a request from which nothing has come for long, such as through a proxy that has lost its server. */
function createSilenceLimit(stop: AbortSignal) {
  const silent = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const restart = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silent.abort(new DOMException('', 'TimeoutError')), silenceMs)
  }
  restart()
  return {
    signal: AbortSignal.any([stop, silent.signal]),
    watch: async function* (body: AsyncIterable<Uint8Array>) {
      try {
        for await (const piece of body) {
          restart()
          yield piece
        }
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
