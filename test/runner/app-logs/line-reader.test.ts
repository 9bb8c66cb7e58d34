/** Lines of app_logs from bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLineReader, maxLineLength } from '../../../runner/app-logs/line-reader.ts'
import { createSecretPatterns } from '../../../runner/output/secret-patterns.ts'

function read(pieces: readonly (string | Uint8Array)[], secrets: readonly string[] = []): string[] {
  const lines: string[] = []
  const reader = createLineReader(createSecretPatterns(secrets), (line) => lines.push(line))
  for (const piece of pieces) reader.push(Buffer.from(piece as string))
  reader.end()
  return lines
}

test('Lines do not depend on how their bytes arrive', () => {
  assert.deepEqual(read(['one\ntwo\r\nthree']), ['one', 'two', 'three'])
  const bytes = [...Buffer.from('größe\n\nzwei\n')].map((byte) => Uint8Array.of(byte))
  assert.deepEqual(read(bytes), ['größe', '', 'zwei'])
})

test('NUL is removed and invalid UTF-8 becomes U+FFFD', () => {
  assert.deepEqual(read([Uint8Array.of(0x61, 0, 0x62, 0xff, 0x0a)]), ['ab\ufffd'])
})

test('A long line is cut and says so, and the next one is whole', () => {
  const [long = '', next] = read([`${'x'.repeat(maxLineLength)}${'y'.repeat(100_000)}`, 'z\nnext\n'])
  assert.ok(long.startsWith('x'.repeat(maxLineLength)))
  assert.ok(long.endsWith(' … (100001 more characters of this line were cut)'))
  assert.equal(next, 'next')
})

test('A secret is masked, also when it arrives in pieces', () => {
  assert.deepEqual(read(['the token is sesame-', 'street-77!\n'], ['sesame-street-77']), [
    'the token is ***!',
  ])
})

test('A line whose end could begin a secret is passed on in a pause, and half of a secret is not', () => {
  const lines: string[] = []
  const reader = createLineReader(createSecretPatterns(['sesame-street']), (line) => lines.push(line))
  reader.push(Buffer.from('it ends with s\n'))
  assert.deepEqual(lines, [])
  reader.pause()
  assert.deepEqual(lines, ['it ends with s'])
  reader.push(Buffer.from('half of sesame-st'))
  reader.pause()
  reader.push(Buffer.from('reet\n'))
  reader.end()
  assert.deepEqual(lines, ['it ends with s', 'half of ***'])
})

test('Before a gap the unfinished line is dropped, because half a secret would not be recognised', () => {
  const lines: string[] = []
  const reader = createLineReader(createSecretPatterns(['sesame-street']), (line) => lines.push(line))
  reader.push(Buffer.from('whole\nhalf of sesame-st'))
  reader.discard()
  reader.push(Buffer.from('after\n'))
  reader.end()
  assert.deepEqual(lines, ['whole', 'after'])
})
