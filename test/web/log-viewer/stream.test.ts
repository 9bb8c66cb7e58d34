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

  it('are read without comments, settings and what was cut off', async () => {
    assert.deepEqual(await eventsOf([new TextEncoder().encode(text)]), expected)
  })

  it('are the same wherever the network cuts them, also within a letter', async () => {
    const bytes = new TextEncoder().encode(text)
    assert.deepEqual(await eventsOf(Array.from(bytes, (byte) => new Uint8Array([byte]))), expected)
  })
})

describe('listening to an output', () => {
  it('takes a server that does not even begin to answer for lost, lets go of it, and asks again', async (t) => {
    const asked: (AbortSignal | null | undefined)[] = []
    t.mock.method(globalThis, 'fetch', (_: string, { signal }: RequestInit) => {
      asked.push(signal)
      if (asked.length === 1) return new Promise(() => {})
      return Promise.resolve(new Response('event: end\ndata: {}\n\n'))
    })
    const heard: string[] = []
    await streamOutput(
      createClient(() => ''),
      7,
      new AbortController().signal,
      {
        chunk: () => {},
        connectionError: (problem) => heard.push(problem === null ? 'there again' : problem.message),
        rejected: () => heard.push('refused'),
        end: () => heard.push('end'),
      },
      20,
    )
    assert.deepEqual(heard, ['The server did not answer in time.', 'there again', 'end'])
    assert.equal(asked[0]?.aborted, true)
  })
})
