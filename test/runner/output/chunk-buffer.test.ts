/** Chunks of any texts: complete, in order, limited in size, well-formed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createChunkBuffer } from '../../../runner/output/chunk-buffer.ts'

const pieces = fc.array(
  fc.tuple(
    fc.constantFrom('stdout' as const, 'stderr' as const),
    fc.string({ unit: 'binary', maxLength: 40 }),
  ),
  { maxLength: 30 },
)

suite('The chunk buffer', () => {
  test('keeps every text of both streams in its order, whatever the size of a chunk', () => {
    fc.assert(
      fc.property(
        pieces,
        fc.integer({ min: 4, max: 50 }),
        fc.integer({ min: 1, max: 1000 }),
        (texts, maxBytes, first) => {
          const buffer = createChunkBuffer(first, maxBytes)
          for (const [stream, text] of texts) buffer.add(stream, text)
          const chunks = buffer.takeAll()
          for (const stream of ['stdout', 'stderr'] as const) {
            const added = texts.filter(([of]) => of === stream).map(([, text]) => text)
            const kept = chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.text)
            assert.equal(kept.join(''), added.join(''))
          }
          assert.deepEqual(
            chunks.map(({ seq }) => seq),
            chunks.map((_, index) => first + index),
          )
          for (const { text } of chunks) {
            assert.ok(text !== '' && text.isWellFormed())
            assert.ok(Buffer.byteLength(text) <= maxBytes)
          }
        },
      ),
    )
  })

  test('goes on numbering after its chunks were taken, and is empty then', () => {
    const buffer = createChunkBuffer(3, 10)
    buffer.add('stdout', 'a')
    assert.ok(buffer.sizeBytes > 0)
    assert.deepEqual(buffer.takeAll(), [{ seq: 3, stream: 'stdout', text: 'a' }])
    assert.equal(buffer.sizeBytes, 0)
    assert.deepEqual(buffer.takeAll(), [])
    buffer.add('stdout', 'b')
    assert.deepEqual(buffer.takeAll(), [{ seq: 4, stream: 'stdout', text: 'b' }])
  })

  test('counts small chunks as more than their text', () => {
    const buffer = createChunkBuffer(1, 1000)
    for (let count = 0; count < 100; count += 1) buffer.add(count % 2 ? 'stdout' : 'stderr', 'x')
    assert.ok(buffer.sizeBytes > 100 * 100, `${buffer.sizeBytes} bytes`)
  })
})
