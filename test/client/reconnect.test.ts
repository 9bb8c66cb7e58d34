/** A stream over connections that break. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reconnect } from '../../client/reconnect.ts'

type Connection = (string | Error)[]

/** Opens the connections in turn. Each yields its items, then throws its error, ends with END, or is lost. */
function startStream(connections: Connection[], mayRecover = (_: unknown) => true) {
  const failuresSeen: number[] = []
  const states: unknown[] = []
  let closed = 0
  const open = async function* (failures: number): AsyncGenerator<string, string | null> {
    failuresSeen.push(failures)
    try {
      for (const item of connections.shift() ?? ['END']) {
        if (item instanceof Error) throw item
        if (item === 'END') return 'END'
        yield item
      }
      return null
    } finally {
      closed += 1
    }
  }
  const stream = reconnect(open, {
    mayRecover,
    onConnection: (error) => states.push(error === null ? null : (error as Error).message),
    maxAttempts: 2,
    initialBackoffMs: 1,
  })
  return { stream, failuresSeen, states, closed: () => closed }
}

test('The stream goes on after lost connections and errors until its end', async () => {
  const { stream, failuresSeen, states } = startStream([
    ['a'],
    [new Error('broken')],
    ['b', new Error('cut')],
    ['c', 'END'],
  ])
  const items: string[] = []
  let step = await stream.next()
  for (; !step.done; step = await stream.next()) items.push(step.value)
  assert.equal(step.value, 'END')
  assert.deepEqual(items, ['a', 'b', 'c'])
  assert.deepEqual(failuresSeen, [0, 0, 1, 0])
  assert.deepEqual(states, [null, 'broken', null, 'cut', null])
})

test('An error that a retry does not cure is thrown at once, others after some connections without an item', async () => {
  const refused = new Error('refused')
  const first = startStream([[refused]], () => false)
  await assert.rejects(Array.fromAsync(first.stream), refused)
  const failures = [1, 2, 3].map((count) => new Error(String(count)))
  const second = startStream(failures.map((failure) => [failure]))
  await assert.rejects(Array.fromAsync(second.stream), failures[2])
})

test('A reader that stops closes the connection', async () => {
  const { stream, closed } = startStream([['a', 'b']])
  for await (const item of stream) if (item === 'a') break
  assert.equal(closed(), 1)
})

test('An aborted stream ends without an error', async () => {
  const controller = new AbortController()
  const open = async function* (): AsyncGenerator<string, null> {
    yield 'a'
    controller.abort()
    throw new Error('aborted')
  }
  const stream = reconnect(open, { signal: controller.signal, mayRecover: () => false })
  assert.deepEqual(await Array.fromAsync(stream), ['a'])
})
