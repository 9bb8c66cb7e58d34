import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { chooseEncoding, createCompression } from '../../../functions/http/compression.ts'

const text = JSON.stringify(Array.from({ length: 1000 }, (_, at) => `name-${at}`))

test('br goes before gzip, and a weight of 0 forbids', () => {
  assert.equal(chooseEncoding('gzip, deflate, br'), 'br')
  assert.equal(chooseEncoding('br;q=0, GZIP;q=0.5'), 'gzip')
  for (const none of [undefined, '', 'identity', 'deflate', 'gzip;q=0', 'brotli'])
    assert.equal(chooseEncoding(none), null, String(none))
})

test('A large answer is compressed, a small one is not', async () => {
  const { json } = createCompression()
  const compressed = await json(text, 'br', { ETag: '"1"' })
  assert.equal(compressed.headers.get('content-encoding'), 'br')
  assert.equal(compressed.headers.get('etag'), 'W/"1"')
  assert.equal(compressed.headers.get('vary'), 'Accept-Encoding')
  assert.equal(brotliDecompressSync(await compressed.arrayBuffer()).toString(), text)
  const plain = await json(text, null)
  assert.equal(plain.headers.get('content-encoding'), null)
  assert.equal(await plain.text(), text)
  assert.equal((await json('[]', 'br')).headers.get('content-encoding'), null)
})

test('Beyond the limit answers are sent as they are', async () => {
  const { json } = createCompression()
  const answers = await Promise.all(Array.from({ length: 20 }, () => json(text, 'gzip')))
  const compressed = answers.filter((answer) => answer.headers.get('content-encoding') === 'gzip')
  assert.equal(compressed.length, 2)
  assert.equal((await json(text, 'gzip')).headers.get('content-encoding'), 'gzip', 'the slots are free again')
})

test('A kept answer is compressed once for each encoding', async () => {
  const { keptJson } = createCompression()
  const bytes = new TextEncoder().encode(text)
  const answers = await Promise.all(Array.from({ length: 20 }, () => keptJson(bytes, 'gzip')))
  for (const answer of answers) assert.equal(gunzipSync(await answer.arrayBuffer()).toString(), text)
  assert.equal(await (await keptJson(bytes, null)).text(), text)
})
