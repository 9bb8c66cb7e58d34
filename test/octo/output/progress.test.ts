/** Progress messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgress } from '../../../octo/output/progress.ts'

function fakeTerminal(isTTY: boolean) {
  const written: string[] = []
  return { written, screen: { isTTY, columns: 60, write: (text: string) => written.push(text) } }
}

test('Progress is a line for each change in a pipe, one redrawn line on a terminal, and nothing with --quiet', () => {
  const piped = fakeTerminal(false)
  const plain = createProgress(piped.screen, {}, false)
  for (const text of ['a', 'a', 'b']) plain.status(text)
  plain.output('output without an end', 'stdout')
  plain.status('c')
  plain.end()
  assert.equal(piped.written.join(''), 'a\nb\noutput without an end\nc\n')

  const terminal = fakeTerminal(true)
  const drawn = createProgress(terminal.screen, {}, false)
  drawn.status('a')
  drawn.status('b'.repeat(100))
  drawn.end()
  const text = terminal.written.join('')
  assert.ok(text.includes('\u001b[2m'))
  assert.ok(text.indexOf('\n') === text.length - 1 && text.endsWith('\u001b[2m0 s\u001b[0m\n'))
  const withoutColor = fakeTerminal(true)
  const bare = createProgress(withoutColor.screen, { NO_COLOR: '1' }, false)
  bare.status('a')
  bare.end()
  assert.ok(!withoutColor.written.join('').includes('\u001b[2m'))

  const quiet = fakeTerminal(true)
  const none = createProgress(quiet.screen, {}, true)
  none.status('a')
  none.note('b')
  none.output('output\n', 'stdout')
  none.end()
  assert.equal(quiet.written.join(''), 'output\n')
})
