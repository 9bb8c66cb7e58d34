import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTerminalScreen } from '../../../lib/terminal/screen.ts'
import { nextStyle } from '../../../lib/terminal/style.ts'

const styleOf = (...codes: string[]) =>
  codes.reduce<ReturnType<typeof nextStyle>>((style, code) => nextStyle(style, code.split(';')), null)

const examples: [what: string, codes: string[], style: ReturnType<typeof nextStyle>][] = [
  ['several codes at once', ['1;4;31'], { bold: true, underline: true, color: 1 }],
  ['codes one after the other', ['1', '92'], { bold: true, color: 10 }],
  ['a part is taken back', ['1;2;3;31', '22;39'], { italic: true }],
  ['reset', ['1;31;44', '0'], null],
  ['an empty code resets', ['1', ''], null],
  ['backgrounds', ['41;103'], { background: 11 }],
  ['the palette of 256', ['38;5;9'], { color: 9 }],
  ['the cube of 256', ['38;5;196'], { color: 9 }],
  ['a grey of 256', ['48;5;240'], { background: 8 }],
  ['24 bits', ['38;2;0;95;215;1'], { color: 12, bold: true }],
  ['24 bits with colons', ['38:2::0:95:215'], { color: 12 }],
  ['24 bits, dark green', ['38;2;10;120;20'], { color: 2 }],
  ['an unknown code', ['73;31'], { color: 1 }],
  ['a color that is cut off', ['38;5'], { color: 0 }],
]
for (const [what, codes, style] of examples)
  test(`The style of a terminal: ${what}`, () => assert.deepEqual(styleOf(...codes), style))

test('Pieces of a text give the same rows as the whole text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    // Codes are complete, but the pieces cut them anywhere.
    fc.constantFrom(
      '\u001b[2K',
      '\u001b]0;title\u0007',
      '\u009b1A',
      '\r',
      '\b',
      '\n',
      '\u001b[31m',
      '\u001b[J',
      '😀',
    ),
  )
  const draw = (pieces: string[]) => {
    const screen = createTerminalScreen()
    for (const text of pieces) screen.write(text)
    return { rows: screen.rows, height: screen.height() }
  }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      // Halves of a character do not arrive alone: the runner decodes the output before it cuts it.
      const whole = pieces.map((text) => text.replaceAll(/\p{Surrogate}/gu, '')).join('')
      assert.deepEqual(draw([...whole]), draw([whole]))
      for (const { text, runs } of draw([whole]).rows) {
        let end = 0
        for (const { from, to } of runs) {
          assert.ok(from >= end && to > from && to <= text.length)
          end = to
        }
      }
    }),
  )
})
