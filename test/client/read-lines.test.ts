import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLines } from '../../client/read-lines.ts'

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

test('Lines arrive wherever the pieces are cut, even inside a character, and an incomplete last one is dropped', async () => {
  const text = '{"a":"käse😀"}\n\n{"b":2}\n{"cut'
  for (let size = 1; size <= text.length + 8; size += 1)
    assert.deepEqual(await Array.fromAsync(readLines(cut(text, size))), ['{"a":"käse😀"}', '', '{"b":2}'])
})
