import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { pino } from 'pino'
import { createCompression } from '../../../functions/http/compression.ts'
import { jsonElements, streamJson } from '../../../functions/http/json-stream.ts'

const services = { log: pino({ level: 'silent' }), compression: createCompression() }
const megabyte = 'x'.repeat(1024 * 1024)

test('A small answer is sent whole, and its error is an error answer', async () => {
  async function* small() {
    yield '["a",'
    yield '"ö"]'
  }
  const response = await streamJson(services, null, small())
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.deepEqual(await response.json(), ['a', 'ö'])
  // biome-ignore lint/correctness/useYield: it fails before its first piece
  async function* failing(): AsyncGenerator<string, void> {
    throw new Error('refused')
  }
  await assert.rejects(streamJson(services, null, failing()), /refused/)
})

test('A large answer is read only as fast as the client takes it, and no further when the client leaves', async () => {
  let made = 0
  let ended = false
  async function* endless() {
    try {
      for (;;) {
        made += 1
        yield megabyte
      }
    } finally {
      ended = true
    }
  }
  const response = await streamJson(services, null, endless())
  assert.equal(made, 1)
  const reader = response.body?.getReader()
  for (let count = 1; count <= 5; count += 1) {
    assert.equal((await reader?.read())?.value?.length, megabyte.length)
    assert.equal(made, count)
  }
  await reader?.cancel()
  assert.ok(ended)
})

test('A compressed answer is whole, and an error breaks it off', async () => {
  async function* pieces() {
    yield `"${megabyte}`
    yield `${megabyte}"`
  }
  const response = await streamJson(services, 'gzip', pieces())
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  const text = gunzipSync(await response.arrayBuffer()).toString()
  assert.equal(text.length, 2 * megabyte.length + 2)
  async function* failing() {
    yield megabyte
    throw new Error('the output was deleted')
  }
  await assert.rejects((await streamJson(services, 'br', failing())).text(), /the output was deleted/)
})

test('An error in the middle breaks the answer off', async () => {
  async function* failing() {
    yield megabyte
    throw new Error('the output was deleted')
  }
  await assert.rejects((await streamJson(services, null, failing())).text(), /the output was deleted/)
})

test('The elements of all pages are separated by commas, also after empty pages', async () => {
  const join = async (...pages: number[][]) => {
    async function* all() {
      yield* pages
    }
    return (await Array.fromAsync(jsonElements(all()))).join('')
  }
  assert.equal(await join(), '')
  assert.equal(await join([]), '')
  assert.equal(await join([1, 2], [], [3], [4, 5]), '1,2,3,4,5')
})
