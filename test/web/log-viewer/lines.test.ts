import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { splitLine, styleClasses } from '../../../web/log-viewer/lines/line-text.ts'
import { createLogLines } from '../../../web/log-viewer/lines/lines.ts'
import { findMatchingLines, nextMatch, splitByMatch } from '../../../web/log-viewer/lines/search.ts'
import { formatLineTime, timeChars } from '../../../web/log-viewer/lines/times.ts'

const at = '2026-11-30T10:00:00.000000Z'
type Piece = [stream: 'stdout' | 'stderr', text: string]

function linesOf(...pieces: Piece[]): string[] {
  const lines = createLogLines()
  for (const [stream, text] of pieces) lines.add({ stream, text, at })
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

  it('A terminal redraws earlier lines of its stream, and every line keeps its first time', () => {
    const lines = createLogLines()
    lines.add({ stream: 'stdout', text: ' a Pulling\n b Pulling\n', at })
    lines.add({ stream: 'stderr', text: 'warning\n', at })
    const later = '2026-11-30T10:00:05.000000Z'
    const first = lines.add({
      stream: 'stdout',
      text: '\u001b[2A\u001b[2K a Pulled\n\u001b[2K b Pulled\nend',
      at: later,
    })
    assert.equal(first, 0)
    assert.deepEqual(
      lines.all.map(({ text, at: time }) => [text, time]),
      [
        [' a Pulled', at],
        [' b Pulled', at],
        ['warning', at],
        ['end', later],
      ],
    )
  })

  it('Colors stay with their characters, also when a piece is drawn over', () => {
    const lines = createLogLines()
    lines.add({ stream: 'stderr', text: '\u001b[1;31mError:\u001b', at })
    lines.add({ stream: 'stderr', text: '[0m no image\rFatal', at })
    assert.deepEqual(lines.all[0], {
      stream: 'stderr',
      text: 'Fatal: no image',
      runs: [{ from: 5, to: 6, style: { bold: true, color: 1 } }],
      at,
    })
    assert.deepEqual(
      splitLine('Fatal: no image', lines.all[0]?.runs ?? [], 'al:').map(({ piece, style, isMatch }) => [
        piece,
        style?.color,
        isMatch,
      ]),
      [
        ['Fat', undefined, false],
        ['al', undefined, true],
        [':', 1, true],
        [' no image', undefined, false],
      ],
    )
    assert.equal(styleClasses({ bold: true, color: 1, background: 4 }), 'text-bold background-4')
    assert.equal(styleClasses({ inverse: true, color: 2 }), 'background-2')
  })

  it('A hundred thousand lines are added in one pass, also with colors', () => {
    const lines = createLogLines()
    const text = Array.from({ length: 1000 }, (_, line) => `\u001b[32m${line}\u001b[0m ok`).join('\n')
    for (let chunk = 0; chunk < 100; chunk += 1) lines.add({ stream: 'stdout', text: `${text}\n`, at })
    assert.equal(lines.all.length, 100_000)
    assert.equal(lines.all.at(-1)?.text, '999 ok')
  })

  it('The first changed line is returned', () => {
    const lines = createLogLines()
    assert.equal(lines.add({ stream: 'stdout', text: 'a\nb', at }), 0)
    assert.equal(lines.add({ stream: 'stderr', text: 'c\n', at }), 2)
    assert.equal(lines.add({ stream: 'stdout', text: 'b\n', at }), 1)
    assert.equal(lines.add({ stream: 'stdout', text: '', at }), 3)
  })
})

describe('the search in an output', () => {
  const lines = ['One (1)', 'two', 'ONE (1) more'].map((text) => ({
    stream: 'stdout' as const,
    text,
    runs: [],
    at,
  }))

  it('The search ignores case and treats the query as plain text', () => {
    assert.deepEqual(findMatchingLines(lines, 'one (1)'), [0, 2])
    assert.deepEqual(findMatchingLines(lines, '.'), [])
    assert.deepEqual(findMatchingLines(lines, ''), [])
    assert.deepEqual(splitByMatch('One (1) one (1)', 'ONE (1)'), ['', 'One (1)', ' ', 'one (1)', ''])
  })

  it('Only new lines are searched', () => {
    assert.deepEqual(findMatchingLines(lines, 'one', [0], 2), [0, 2])
  })

  it('Times are local, UTC or since the start, all equally long', () => {
    const later = '2026-11-30T11:02:03.045678Z'
    assert.equal(formatLineTime(later, at, 'utc'), '11:02:03.045Z')
    assert.equal(formatLineTime(later, at, 'relative'), '+01:02:03.045')
    assert.equal(formatLineTime(later, at, 'none'), '')
    assert.match(formatLineTime(later, at, 'local'), /^\d\d:02:03\.045 $/)
    for (const format of ['utc', 'relative', 'local'] as const)
      assert.equal(formatLineTime(later, at, format).length, timeChars)
  })

  it('Match navigation wraps around in both directions', () => {
    assert.deepEqual([nextMatch([0, 2], 0, 1), nextMatch([0, 2], 2, 1), nextMatch([0, 2], 0, -1)], [2, 0, 2])
    assert.equal(nextMatch([], 0, 1), -1)
  })
})
