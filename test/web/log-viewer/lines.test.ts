import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogLines } from '../../../web/log-viewer/lines.ts'
import { findMatchingLines, nextMatch, splitByMatch } from '../../../web/log-viewer/search.ts'

type Piece = [stream: 'stdout' | 'stderr', text: string]

function linesOf(...pieces: Piece[]): string[] {
  const lines = createLogLines()
  for (const [stream, text] of pieces) lines.add({ stream, text })
  return lines.all.map(({ stream, text }) => (stream === 'stderr' ? `! ${text}` : text))
}

describe('log lines', () => {
  it('Lines do not depend on chunk boundaries, and empty lines are kept', () => {
    assert.deepEqual(linesOf(['stdout', 'a'], ['stdout', 'b\n\nc'], ['stdout', '\n']), ['ab', '', 'c'])
  })

  it('The streams stay separate, also within a line', () => {
    assert.deepEqual(linesOf(['stdout', 'copying'], ['stderr', 'oh\n'], ['stdout', ' done\nnext\n']), [
      'copying done',
      '! oh',
      'next',
    ])
  })

  it('Terminal codes are removed, also when split, and carriage returns are applied', () => {
    const colours: Piece[] = [
      ['stdout', '\u001b[1;32mgreen\u001b'],
      ['stdout', '[0m and \u001b]0;title\u0007plain\u0008\r'],
      ['stdout', '\n10 %\r50 %\r'],
      ['stdout', '100 %\n'],
    ]
    assert.deepEqual(linesOf(...colours), ['green and plain', '100 %'])
  })

  it('The first changed line is returned', () => {
    const lines = createLogLines()
    assert.equal(lines.add({ stream: 'stdout', text: 'a\nb' }), 0)
    assert.equal(lines.add({ stream: 'stderr', text: 'c\n' }), 2)
    assert.equal(lines.add({ stream: 'stdout', text: 'b\n' }), 1)
    assert.equal(lines.add({ stream: 'stdout', text: '' }), 3)
  })
})

describe('the search in an output', () => {
  const lines = ['One (1)', 'two', 'ONE (1) more'].map((text) => ({ stream: 'stdout' as const, text }))

  it('The search ignores case and treats the query as plain text', () => {
    assert.deepEqual(findMatchingLines(lines, 'one (1)'), [0, 2])
    assert.deepEqual(findMatchingLines(lines, '.'), [])
    assert.deepEqual(findMatchingLines(lines, ''), [])
    assert.deepEqual(splitByMatch('One (1) one (1)', 'ONE (1)'), ['', 'One (1)', ' ', 'one (1)', ''])
  })

  it('Only new lines are searched', () => {
    assert.deepEqual(findMatchingLines(lines, 'one', [0], 2), [0, 2])
  })

  it('Match navigation wraps around in both directions', () => {
    assert.deepEqual([nextMatch([0, 2], 0, 1), nextMatch([0, 2], 2, 1), nextMatch([0, 2], 0, -1)], [2, 0, 2])
    assert.equal(nextMatch([], 0, 1), -1)
  })
})
