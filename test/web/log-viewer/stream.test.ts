import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClient } from '../../../web/api/client.ts'
import { readServerSentEvents, streamOutput } from '../../../web/log-viewer/stream.ts'

async function eventsOf(pieces: Uint8Array[]): Promise<unknown[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
  const events: unknown[] = []
  for await (const event of readServerSentEvents(stream, 1000)) events.push(event)
  return events
}

describe('server-sent events', () => {
  const text =
    'retry: 2000\n\n: still here\n\nid: 1\nevent: chunk\ndata: {"text":"käse"}\n\nevent: end\ndata: {}\n\nevent: cut'
  const expected = [
    { event: 'chunk', data: '{"text":"käse"}' },
    { event: 'end', data: '{}' },
  ]

  it('Comments, unused fields and an incomplete event are skipped', async () => {
    assert.deepEqual(await eventsOf([new TextEncoder().encode(text)]), expected)
  })

  it('Chunk boundaries do not matter, even inside a character', async () => {
    const bytes = new TextEncoder().encode(text)
    assert.deepEqual(await eventsOf(Array.from(bytes, (byte) => new Uint8Array([byte]))), expected)
  })
})

describe('the output stream', () => {
  it('A request without a response counts as lost: it is aborted and repeated', async (t) => {
    const requestSignals: (AbortSignal | null | undefined)[] = []
    t.mock.method(globalThis, 'fetch', (_: string, { signal }: RequestInit) => {
      requestSignals.push(signal)
      if (requestSignals.length === 1) return new Promise(() => {})
      return Promise.resolve(new Response('event: end\ndata: {}\n\n'))
    })
    const events: string[] = []
    await streamOutput(
      createClient(() => ''),
      7,
      new AbortController().signal,
      {
        chunk: () => {},
        connectionError: (error) => events.push(error === null ? 'reconnected' : error.message),
        rejected: () => events.push('rejected'),
        end: () => events.push('end'),
      },
      20,
    )
    assert.deepEqual(events, ['The server did not answer in time.', 'reconnected', 'end'])
    assert.equal(requestSignals[0]?.aborted, true)
  })
})
