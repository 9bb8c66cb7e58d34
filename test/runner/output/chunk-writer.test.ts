/** Writing chunks: one batch at a time, with backpressure, and an error that is reported once. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Chunk, createChunkBuffer } from '../../../runner/output/chunk-buffer.ts'
import { createChunkWriter } from '../../../runner/output/chunk-writer.ts'

const chunkBytes = 1000

/** A writer whose writes wait until the test settles them. */
function createTestWriter() {
  const chunks = createChunkBuffer(1, chunkBytes)
  const writes: (PromiseWithResolvers<void> & { batch: readonly Chunk[] })[] = []
  const write = (batch: readonly Chunk[]) => {
    const resolvers = Promise.withResolvers<void>()
    writes.push({ ...resolvers, batch })
    return resolvers.promise
  }
  // Only full chunks and the end cause a write.
  const writer = createChunkWriter(chunks, write, 60_000, chunkBytes)
  const add = (text: string) => {
    chunks.add('stdout', text)
    writer.schedule()
    return writer.backpressure()
  }
  const written = () => writes.flatMap(({ batch }) => batch.map(({ text }) => text)).join('')
  const settled = async (promise: Promise<unknown>) =>
    Promise.race([
      promise.then(
        () => 'resolved',
        (error: Error) => error.message,
      ),
      tick().then(() => 'pending'),
    ])
  return { writer, writes, add, written, settled }
}

const tick = () => new Promise((resolve) => setImmediate(resolve))
const full = 'x'.repeat(chunkBytes)
/** More than may wait. */
const flood = 'y'.repeat(600 * 1024)

suite('The chunk writer', () => {
  test('writes one batch at a time, and collects what comes meanwhile', async () => {
    const { writer, writes, add, written } = createTestWriter()
    void add(full)
    await tick()
    void add(full)
    void add(full)
    await tick()
    assert.equal(writes.length, 1)
    writes[0]?.resolve()
    await tick()
    assert.deepEqual(
      writes.map(({ batch }) => batch.length),
      [1, 2],
    )
    writes[1]?.resolve()
    await writer.end()
    assert.equal(written(), full.repeat(3))
  })

  test('does not write less than a chunk before its time, but at the end', async () => {
    const { writer, writes, add, written } = createTestWriter()
    void add('little')
    await tick()
    assert.equal(writes.length, 0)
    const ended = writer.end()
    await tick()
    writes[0]?.resolve()
    await ended
    assert.equal(written(), 'little')
  })

  test('lets a script wait while too much text waits, until the text is taken', async () => {
    const { writer, writes, add, settled } = createTestWriter()
    assert.equal(add(full), undefined)
    await tick()
    const blocked = add(flood)
    assert.ok(blocked)
    assert.equal(await settled(blocked), 'pending')
    writes[0]?.resolve()
    await blocked
    assert.equal(add('more'), undefined)
    for (let index = 1; index < 3; index += 1) {
      await tick()
      writes[index]?.resolve()
    }
    const ended = writer.end()
    await tick()
    for (const { resolve } of writes) resolve()
    await ended
  })

  test('reports a failed write once: to the waiting script', async () => {
    const { writer, writes, add, settled } = createTestWriter()
    void add(full)
    await tick()
    const blocked = add(flood)
    assert.ok(blocked)
    writes[0]?.reject(new Error('the disk is full'))
    assert.equal(await settled(blocked), 'the disk is full')
    await writer.end()
  })

  test('reports a failed write to the next piece when no script waits, and writes nothing after it', async () => {
    const { writer, writes, add } = createTestWriter()
    void add(full)
    await tick()
    writes[0]?.reject(new Error('the lease is lost'))
    await tick()
    await assert.rejects(async () => add(full), /the lease is lost/)
    assert.equal(add('more'), undefined)
    await writer.end()
    assert.equal(writes.length, 1)
  })

  test('reports a failed write to the end when no piece follows', async () => {
    const { writer, writes, add } = createTestWriter()
    void add(full)
    await tick()
    writes[0]?.reject(new Error('the lease is lost'))
    await assert.rejects(writer.end(), /the lease is lost/)
    await writer.end()
  })
})
