/**
 * The output of an action as it grows: server-sent events read by fetch, because an EventSource cannot send the
 * credential. Resumes after the last chunk. Used by pages/output.ts.
 */
import type { OutputChunk } from '../domain/shapes.ts'
import type { Client } from './api.ts'
import { isRefused, type Problem, problemOfError } from './problem.ts'

type SentEvent = { event: string; data: string }

export type Listener = {
  chunk(chunk: OutputChunk): void
  /** The connection was lost and is tried again; null: it is there again. */
  trouble(problem: Problem | null): void
  /** Refused for good. */
  refused(problem: Problem): void
  end(): void
}

const slowestMs = 10_000
/** The server says every 15 s that it is still there; a connection that is cut without a word must be noticed. */
const silenceMs = 40_000

/** Returns when the action has ended and everything is told, when it is refused, or when `signal` aborts. */
export async function listen(
  client: Client,
  actionId: number,
  signal: AbortSignal,
  listener: Listener,
  patienceMs = silenceMs,
): Promise<void> {
  let after = 0
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const ending = new AbortController()
    try {
      const question = client.open('streamOutput', {
        params: { action_id: actionId },
        query: { after },
        signal: AbortSignal.any([signal, ending.signal]),
        timeoutMs: null,
      })
      const response = await inTime(question, patienceMs)
      listener.trouble(null)
      for await (const { event, data } of readEvents(response.body as ReadableStream, patienceMs)) {
        attempt = 0
        if (event === 'end') return listener.end()
        if (event !== 'chunk') continue
        const chunk = JSON.parse(data) as OutputChunk
        after = chunk.seq
        listener.chunk(chunk)
      }
    } catch (error) {
      if (signal.aborted) return
      const problem = problemOfError(error)
      if (isRefused(problem)) return listener.refused(problem)
      listener.trouble(problem)
    } finally {
      ending.abort()
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(slowestMs, 500 * 2 ** attempt)))
  }
}

/** Comments and fields of no use here are skipped; an event cut off by the end is not one. Who asked ends the stream. */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  patienceMs: number,
): AsyncGenerator<SentEvent> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { value, done } = await inTime(reader.read(), patienceMs)
    if (done) return
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
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

function parseEvent(block: string): SentEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { event, data: data.join('\n') }
}
