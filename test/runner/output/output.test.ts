/** Whatever bytes come in whatever pieces: numbered chunks of clean text, in order, in bounded memory. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Chunk } from '../../../runner/output/chunk-buffer.ts'
import { createOutput } from '../../../runner/output/output.ts'
import { runProcess } from '../../../runner/process/process.ts'
import { fixturePath, minimalEnvironment, waitFor } from '../script-fixtures.ts'

type Options = Parameters<typeof createOutput>[0]

/** An output whose batches are kept as they were written. */
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

suite('chunks', () => {
  test('keep the order in which the streams came, and number it without gaps', async () => {
    const { output, batches } = createTestOutput({ firstSeq: 5 })
    output.push('stdout', toBytes('a'))
    output.push('stdout', toBytes('b'))
    output.push('stderr', toBytes('c'))
    output.push('stdout', toBytes('d'))
    assert.deepEqual(await output.end(), { truncated: false, toBytes: 4 })
    assert.deepEqual(batches.flat(), [
      { seq: 5, stream: 'stdout', text: 'ab' },
      { seq: 6, stream: 'stderr', text: 'c' },
      { seq: 7, stream: 'stdout', text: 'd' },
    ])
  })

  test('hold at most their size and cut no character', async () => {
    const { output, batches, text } = createTestOutput({ chunkBytes: 7 })
    output.push('stdout', toBytes('€€€😀😀aä'))
    await output.end()
    assert.equal(text(), '€€€😀😀aä')
    for (const chunk of batches.flat())
      assert.ok(Buffer.byteLength(chunk.text) <= 7 && chunk.text.isWellFormed())
  })

  test('are written a moment after the first byte, and at once when one is full', async () => {
    const { output, batches } = createTestOutput({ flushMs: 30, chunkBytes: 1000 })
    output.push('stdout', toBytes('soon'))
    assert.equal(batches.length, 0)
    await waitFor(() => batches.length === 1, 1000)
    output.push('stdout', Buffer.alloc(1000, 'x'))
    assert.equal(batches.length, 2)
    await output.end()
  })

  test('are nothing but the decoded bytes, whatever these are and however they are cut', async () => {
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

  test('hold no secret, also one that is cut across pieces or across characters', async () => {
    const { output, text } = createTestOutput({ secrets: ['gehäimnis'] })
    for (const byte of toBytes('das gehäimnis ist geh')) await output.push('stdout', Uint8Array.of(byte))
    output.addNote('octopod: gehäimnis')
    await output.end()
    assert.equal(text('stdout'), 'das *** ist geh')
    assert.equal(text('stderr'), 'octopod: ***\n')
  })
})

suite('a note', () => {
  test('stands on a line of its own, behind what came before', async () => {
    const { output, batches } = createTestOutput()
    output.addNote('octopod: first')
    output.push('stderr', toBytes('half a line'))
    output.push('stdout', toBytes('out'))
    output.addNote('octopod: second')
    await output.end()
    assert.deepEqual(
      batches.flat().map((chunk) => chunk.text),
      ['octopod: first\nhalf a line', 'out', '\noctopod: second\n'],
    )
  })
})

suite('the limit', () => {
  test('cuts between characters, counts what is dropped and says so at the end', async () => {
    const { output, text } = createTestOutput({ limitBytes: 6 })
    output.push('stdout', toBytes('ab€'))
    output.push('stdout', toBytes('€x'))
    output.push('stderr', toBytes('more'))
    assert.deepEqual(await output.end(), { truncated: true, toBytes: 5 })
    assert.equal(text('stdout'), 'ab€')
    assert.equal(text('stderr'), 'octopod: output is kept up to 6 bytes: 8 more were dropped.\n')
  })

  test('that is just reached drops nothing', async () => {
    const { output, text } = createTestOutput({ limitBytes: 3 })
    output.push('stdout', toBytes('abc'))
    assert.deepEqual(await output.end(), { truncated: false, toBytes: 3 })
    assert.equal(text(), 'abc')
  })

  test('does not hold back a script that prints on', async () => {
    const { output } = createTestOutput({ limitBytes: 1000 })
    const { exitCode } = await runProcess({
      file: fixturePath('prints-bytes'),
      args: ['30000000'],
      env: minimalEnvironment,
      timeoutMs: 20_000,
      killGraceMs: 300,
      onOutput: output.push,
    })
    assert.equal(exitCode, 0)
    assert.deepEqual(await output.end(), { truncated: true, toBytes: 1000 })
  })
})

suite('a writer', () => {
  test('that is slow gets one batch at a time and holds the script back', async () => {
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

  test('that fails is told once, by push or by end, and is not asked again', async () => {
    let calls = 0
    const write = async () => {
      calls += 1
      throw new Error('database away')
    }
    const early = createTestOutput({ write, chunkBytes: 4 }).output
    early.push('stdout', toBytes('full chunk'))
    await sleep(0)
    await assert.rejects(async () => early.push('stdout', toBytes('next')), /database away/)
    await early.push('stdout', toBytes('and another'))
    await early.end()
    assert.equal(calls, 1)

    const late = createTestOutput({ write }).output
    late.push('stdout', toBytes('a'))
    await assert.rejects(late.end(), /database away/)
  })

  test('that fails while push waits for room rejects that wait, and nobody who ignores it is harmed', async () => {
    const { output } = createTestOutput({
      write: async () => {
        await sleep(5)
        throw new Error('database away')
      },
    })
    const piece = Buffer.alloc(300_000, 'x')
    output.push('stdout', piece)
    output.push('stdout', piece)
    const waits = output.push('stdout', piece)
    output.push('stdout', piece)
    await assert.rejects(async () => waits, /database away/)
    await output.end()
  })

  test('takes 100 MB in bounded memory', async () => {
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
      file: fixturePath('prints-bytes'),
      args: ['100000000'],
      env: minimalEnvironment,
      timeoutMs: 60_000,
      killGraceMs: 300,
      onOutput: output.push,
    })
    assert.equal(result.exitCode, 0)
    assert.deepEqual(await output.end(), { truncated: false, toBytes: 100_000_000 })
    assert.equal(written, 100_000_000)
    assert.ok(most - before < 64 * 1024 * 1024, `grew by ${(most - before) >> 20} MiB`)
  })
})
