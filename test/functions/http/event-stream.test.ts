import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventStream } from '../../../functions/http/event-stream.ts'

const neverAborted = new AbortController().signal
const event = { id: 1, event: 'chunk', data: 'x' }

test('A client that reads nothing is disconnected, and its writer ends', async () => {
  const ended = Promise.withResolvers<unknown>()
  createEventStream(
    neverAborted,
    async (send, disconnected) => {
      disconnected.addEventListener('abort', () => ended.resolve('aborted'))
      await assert.rejects(async () => {
        for (;;) await send(event)
      }, /has disconnected/)
    },
    20,
  )
  assert.equal(await ended.promise, 'aborted')
})

test('A client that reads slowly is not disconnected', async () => {
  const response = createEventStream(
    neverAborted,
    async (send) => {
      for (let count = 0; count < 20; count++) await send(event)
    },
    500,
  )
  let text = ''
  for await (const bytes of response.body ?? []) {
    text += new TextDecoder().decode(bytes)
    // The whole takes longer than a heartbeat, and a chunk far less.
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  assert.equal(text.match(/event: chunk/g)?.length, 20)
  assert.match(text, /still here/)
})
