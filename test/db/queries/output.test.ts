/** Output of actions: appended once, read in pages and as a whole. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { appendOutput, getOutput, lastSeq } from '../../../db/queries/output.ts'
import { outputPage } from '../../../domain/schemas.ts'
import {
  getWholeOutput,
  isRefusal,
  newName,
  repeat,
  scriptResult,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(3)

suite('output', () => {
  const write = async (count: number, text = (seq: number) => `${seq}\n`) => {
    const claimed = await startAction(db, 'create', newName())
    const chunks = repeat(count, (at) => ({
      seq: at + 1,
      stream: at % 3 === 2 ? ('stderr' as const) : ('stdout' as const),
      text: text(at + 1),
    }))
    for (let at = 0; at < count; at += 1000) await appendOutput(db.pool, claimed, chunks.slice(at, at + 1000))
    return claimed
  }

  test('An action without output has an empty page, which is done after the end', async () => {
    const claimed = await write(0)
    assert.deepEqual(await getOutput(db.pool, claimed.actionId, 0, 10), {
      chunks: [],
      state: 'running',
      done: false,
    })
    await finish(db.pool, claimed, scriptResult(0))
    assert.deepEqual(await getOutput(db.pool, claimed.actionId, 0, 10), {
      chunks: [],
      state: 'succeeded',
      done: true,
    })
    assert.equal(await lastSeq(db.pool, claimed.actionId), 0)
  })

  test('Pages follow each other; only the last page of an ended action is done', async () => {
    const claimed = await write(25)
    const page = (after: number, limit: number) => getOutput(db.pool, claimed.actionId, after, limit)
    const seqs = async (after: number, limit: number) =>
      (await page(after, limit)).chunks.map((one) => one.seq)
    assert.deepEqual(
      await seqs(0, 10),
      repeat(10, (at) => at + 1),
    )
    assert.deepEqual(await seqs(20, 10), [21, 22, 23, 24, 25])
    assert.equal((await page(20, 10)).done, false, 'the action may still write')
    await finish(db.pool, claimed, scriptResult(0))
    assert.equal((await page(14, 10)).done, false)
    assert.equal((await page(15, 10)).done, true)
    assert.equal((await page(25, 10)).done, true)
    const whole = await page(0, 1000)
    assert.deepEqual(outputPage.parse(whole), whole)
  })

  test('A page after the greatest chunk number is empty', async () => {
    const claimed = await write(3)
    for (const after of [2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER])
      assert.deepEqual((await getOutput(db.pool, claimed.actionId, after, 10)).chunks, [])
  })

  test('Ten thousand chunks are read to the end, in pages and as a whole', async () => {
    const claimed = await write(10_000)
    await finish(db.pool, claimed, scriptResult(0))
    const seqs: number[] = []
    for (let done = false; !done; ) {
      const page = await getOutput(db.pool, claimed.actionId, seqs.at(-1) ?? 0, 1000)
      seqs.push(...page.chunks.map((one) => one.seq))
      done = page.done
    }
    assert.deepEqual(
      seqs,
      repeat(10_000, (at) => at + 1),
    )
    const { stdout, stderr } = await getWholeOutput(db.pool, claimed.actionId)
    const lines = (streams: (seq: number) => boolean) =>
      seqs
        .filter(streams)
        .map((seq) => `${seq}\n`)
        .join('')
    assert.equal(
      stdout,
      lines((seq) => seq % 3 !== 0),
    )
    assert.equal(
      stderr,
      lines((seq) => seq % 3 === 0),
    )
  })

  test('A page has a limited size and at least one chunk', async () => {
    const claimed = await write(40, () => '😀'.repeat(16_384))
    await finish(db.pool, claimed, scriptResult(0))
    const seqs: number[] = []
    for (let done = false; !done; ) {
      const page = await getOutput(db.pool, claimed.actionId, seqs.at(-1) ?? 0, 1000)
      const bytes = page.chunks.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0)
      assert.ok(bytes > 0 && bytes <= 1024 * 1024 + 65_536, `${bytes} bytes`)
      seqs.push(...page.chunks.map((one) => one.seq))
      done = page.done
    }
    assert.deepEqual(
      seqs,
      repeat(40, (at) => at + 1),
    )
  })

  test('A repeated append is stored once', async () => {
    const claimed = await write(2)
    await appendOutput(db.pool, claimed, [
      { seq: 2, stream: 'stdout', text: '2\n' },
      { seq: 3, stream: 'stdout', text: '3\n' },
    ])
    assert.equal((await getWholeOutput(db.pool, claimed.actionId)).stdout, '1\n2\n3\n')
    await appendOutput(db.pool, claimed, [])
    assert.equal(await lastSeq(db.pool, claimed.actionId), 3)
  })

  test('Every character except NUL is kept', async () => {
    const claimed = await startAction(db, 'create', newName())
    const text = `${repeat(0x800, (at) => String.fromCodePoint(at + 1)).join('')}\u2028\ufffd😀\\N\\.{"}`
    await appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text }])
    assert.equal((await getWholeOutput(db.pool, claimed.actionId)).stdout, text)
  })

  test('Output of an unknown action is refused', async () => {
    await assert.rejects(getOutput(db.pool, 999_999, 0, 1), isRefusal('no_such_action'))
    await assert.rejects(getWholeOutput(db.pool, 999_999), isRefusal('no_such_action'))
  })
})
