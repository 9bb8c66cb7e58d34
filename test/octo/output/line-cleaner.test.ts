/** Output of scripts on a terminal: without control sequences, however it is cut into pieces. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLineCleaner, passThrough } from '../../../octo/output/line-cleaner.ts'

const printed = '\u001b[31mError:\u001b[0m image not found\r\n 10%\r100%\ndone\u001b]0;title\u0007'

test('Every way to cut the output gives the text that a terminal would show', () => {
  for (let size = 1; size <= printed.length; size += 1) {
    const cleaner = createLineCleaner()
    let shown = ''
    for (let at = 0; at < printed.length; at += size)
      shown += cleaner.push('stdout', printed.slice(at, at + size))
    assert.equal(shown + cleaner.end(), 'Error: image not found\n100%\ndone', `pieces of ${size}`)
  }
})

test('Unfinished lines of the two streams are not mixed', () => {
  const cleaner = createLineCleaner()
  assert.equal(cleaner.push('stdout', 'one '), '')
  assert.equal(cleaner.push('stderr', 'two\n'), 'two\n')
  assert.equal(cleaner.push('stdout', 'more\n'), 'one more\n')
  cleaner.push('stderr', 'rest')
  assert.equal(cleaner.end(), 'rest')
  assert.equal(cleaner.end(), '')
})

test('A line without an end does not fill the memory', () => {
  const cleaner = createLineCleaner()
  let shown = 0
  for (let piece = 0; piece < 100; piece += 1) shown += cleaner.push('stdout', 'x'.repeat(10_000)).length
  assert.ok(shown > 900_000)
})

test('A file or pipe gets every byte', () => {
  assert.equal(passThrough.push('stdout', printed), printed)
})
