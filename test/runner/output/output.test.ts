/** Output: any bytes in any pieces become numbered chunks of clean text, in order and in limited memory. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Chunk } from '../../../runner/output/chunk-buffer.ts'
import { createOutput } from '../../../runner/output/output.ts'
import { runProcess } from '../../../runner/process/process.ts'
import { fixturePath, minimalEnvironment, waitFor } from '../script-fixtures.ts'

type Options = Parameters<typeof createOutput>[0]

/** An output that collects the written batches. */
function createTestOutput(options: Partial<Options> = {}) {
  const batches: (readonly Chunk[])[] = []
  const output = createOutput({
    firstSeq: 1,
    limitBytes: 1_000_000,
    secrets: [],
    write: async (chunks) => {
      batches.push(chunks)
    },
    ...options,
  })
  const text = (stream?: Chunk['stream']) =>
    batches
      .flat()
      .filter((chunk) => stream === undefined || chunk.stream === stream)
      .map((chunk) => chunk.text)
      .join('')
  return { output, batches, text }
}

const toBytes = (text: string) => Buffer.from(text)

suite('Chunks', () => {
  test('keep the order of the streams and are numbered without gaps', async () => {
    const { output, batches } = createTestOutput({ firstSeq: 5 })
    void output.push('stdout', toBytes('a'))
    void output.push('stdout', toBytes('b'))
    void output.push('stderr', toBytes('c'))
    void output.push('stdout', toBytes('d'))
    assert.deepEqual(await output.end(), { truncated: false, bytes: 4 })
    assert.deepEqual(batches.flat(), [
      { seq: 5, stream: 'stdout', text: 'ab' },
      { seq: 6, stream: 'stderr', text: 'c' },
      { seq: 7, stream: 'stdout', text: 'd' },
    ])
  })

  test('are limited in size and split no character', async () => {
    const { output, batches, text } = createTestOutput({ chunkBytes: 7 })
    void output.push('stdout', toBytes('€€€😀😀aä'))
    await output.end()
    assert.equal(text(), '€€€😀😀aä')
    for (const chunk of batches.flat())
      assert.ok(Buffer.byteLength(chunk.text) <= 7 && chunk.text.isWellFormed())
  })

  test('are written shortly after the first byte, and at once when a chunk is full', async () => {
    const { output, batches } = createTestOutput({ flushMs: 30, chunkBytes: 1000 })
    void output.push('stdout', toBytes('soon'))
    assert.equal(batches.length, 0)
    await waitFor(() => batches.length === 1, 1000)
    void output.push('stdout', Buffer.alloc(1000, 'x'))
    assert.equal(batches.length, 2)
    await output.end()
  })

  test('of a script that keeps printing little are few', async () => {
    const { output, batches, text } = createTestOutput()
    const startedAtMs = performance.now()
    for (let count = 0; count < 150; count += 1) {
      void output.push('stdout', toBytes('.'))
      await sleep(20)
    }
    await output.end()
    assert.equal(text(), '.'.repeat(150))
    const seconds = (performance.now() - startedAtMs) / 1000
    assert.ok(batches.flat().length <= 5 + seconds, `${batches.flat().length} chunks in ${seconds} seconds`)
  })

  test('contain the decoded bytes, however the bytes are cut into pieces', async () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ unit: 'binary' }).map(toBytes))
    const stream = fc.constantFrom<Chunk['stream']>('stdout', 'stderr')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(stream, piece), { maxLength: 20 }),
        fc.integer({ min: 4, max: 30 }),
        async (pieces, chunkBytes) => {
          const { output, batches, text } = createTestOutput({ chunkBytes, flushMs: 0 })
          for (const [name, each] of pieces) await output.push(name, each)
          await output.end()
          const chunks = batches.flat()
          assert.deepEqual(
            chunks.map((chunk) => chunk.seq),
            chunks.map((_, index) => index + 1),
          )
          for (const chunk of chunks) {
            assert.ok(chunk.text !== '' && Buffer.byteLength(chunk.text) <= chunkBytes)
            assert.ok(chunk.text.isWellFormed() && !chunk.text.includes('\0'))
          }
          for (const name of ['stdout', 'stderr'] as const) {
            const whole = Buffer.concat(pieces.filter(([each]) => each === name).map(([, each]) => each))
            const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(whole)
            assert.equal(text(name), decoded.replaceAll('\0', ''))
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('contain no secret, even when it is cut across pieces', async () => {
    const { output, text } = createTestOutput({ secrets: ['gehäimnis'] })
    for (const byte of toBytes('das gehäimnis ist geh')) await output.push('stdout', Uint8Array.of(byte))
    output.addNote('octopod: gehäimnis')
    await output.end()
    assert.equal(text('stdout'), 'das *** ist geh')
    assert.equal(text('stderr'), 'octopod: ***\n')
  })
})

suite('A note', () => {
  test('is a line of its own after the earlier output', async () => {
    const { output, batches } = createTestOutput()
    output.addNote('octopod: first')
    void output.push('stderr', toBytes('half a line'))
    void output.push('stdout', toBytes('out'))
    output.addNote('octopod: second')
    await output.end()
    assert.deepEqual(
      batches.flat().map((chunk) => chunk.text),
      ['octopod: first\nhalf a line', 'out', '\noctopod: second\n'],
    )
  })
})

suite('The output limit', () => {
  test('cuts between characters and adds a note with the dropped bytes', async () => {
    const { output, text } = createTestOutput({ limitBytes: 6 })
    void output.push('stdout', toBytes('ab€'))
    void output.push('stdout', toBytes('€x'))
    void output.push('stderr', toBytes('more'))
    assert.deepEqual(await output.end(), { truncated: true, bytes: 5 })
    assert.equal(text('stdout'), 'ab€')
    assert.equal(text('stderr'), 'octopod: output limit of 6 bytes reached; 8 more bytes were dropped.\n')
  })

  test('drops nothing when the output just reaches it', async () => {
    const { output, text } = createTestOutput({ limitBytes: 3 })
    void output.push('stdout', toBytes('abc'))
    assert.deepEqual(await output.end(), { truncated: false, bytes: 3 })
    assert.equal(text(), 'abc')
  })

  test('does not block a script that prints more', async () => {
    const { output } = createTestOutput({ limitBytes: 1000 })
    const { exitCode } = await runProcess({
      file: fixturePath('output/prints-bytes'),
      args: ['30000000'],
      env: minimalEnvironment,
      timeoutMs: 20_000,
      killGraceMs: 300,
      onOutput: output.push,
    })
    assert.equal(exitCode, 0)
    assert.deepEqual(await output.end(), { truncated: true, bytes: 1000 })
  })
})

suite('A writer', () => {
  test('that is slow gets one batch at a time and makes the script wait', async () => {
    let writing = 0
    let written = 0
    let waits = 0
    const { output } = createTestOutput({
      limitBytes: 10_000_000,
      write: async (chunks) => {
        writing += 1
        assert.equal(writing, 1)
        await sleep(5)
        for (const chunk of chunks) written += chunk.text.length
        writing -= 1
      },
    })
    const piece = Buffer.alloc(50_000, 'x')
    for (let count = 0; count < 100; count += 1) {
      const room = output.push('stdout', piece)
      if (room !== undefined) waits += 1
      await room
    }
    await output.end()
    assert.equal(written, 5_000_000)
    assert.ok(waits >= 5, `waited ${waits} times`)
  })

  test('that fails is not called again, and its error is reported once, by push or by end', async () => {
    let calls = 0
    const write = async () => {
      calls += 1
      throw new Error('database unreachable')
    }
    const early = createTestOutput({ write, chunkBytes: 4 }).output
    void early.push('stdout', toBytes('full chunk'))
    await sleep(0)
    await assert.rejects(async () => early.push('stdout', toBytes('next')), /database unreachable/)
    await early.push('stdout', toBytes('and another'))
    await early.end()
    assert.equal(calls, 1)

    const late = createTestOutput({ write }).output
    void late.push('stdout', toBytes('a'))
    await assert.rejects(late.end(), /database unreachable/)
  })

  test('that fails while push waits rejects that push; ignored promises cause no unhandled rejection', async () => {
    const { output } = createTestOutput({
      write: async () => {
        await sleep(5)
        throw new Error('database unreachable')
      },
    })
    const piece = Buffer.alloc(300_000, 'x')
    void output.push('stdout', piece)
    void output.push('stdout', piece)
    const waits = output.push('stdout', piece)
    void output.push('stdout', piece)
    await assert.rejects(async () => waits, /database unreachable/)
    await output.end()
  })

  test('stores 100 MB in limited memory', async () => {
    let most = 0
    let written = 0
    const { output } = createTestOutput({
      limitBytes: 2 ** 30,
      secrets: ['hunter22', 'another-secret'],
      write: async (chunks) => {
        for (const chunk of chunks) written += chunk.text.length
        most = Math.max(most, process.memoryUsage.rss())
        await sleep(0)
      },
    })
    const before = process.memoryUsage.rss()
    const result = await runProcess({
      file: fixturePath('output/prints-bytes'),
      args: ['100000000'],
      env: minimalEnvironment,
      timeoutMs: 60_000,
      killGraceMs: 300,
      onOutput: output.push,
    })
    assert.equal(result.exitCode, 0)
    assert.deepEqual(await output.end(), { truncated: false, bytes: 100_000_000 })
    assert.equal(written, 100_000_000)
    assert.ok(most - before < 64 * 1024 * 1024, `grew by ${(most - before) >> 20} MiB`)
  })
})
