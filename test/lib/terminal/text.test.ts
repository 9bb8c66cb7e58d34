import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toPlainText } from '../../../lib/terminal/text.ts'

const examples: [what: string, printed: string, shown: string][] = [
  ['plain text', 'one\n\ttwo\n', 'one\n\ttwo\n'],
  ['colors', '\u001b[31mError:\u001b[0m image shop:v9 not found\n', 'Error: image shop:v9 not found\n'],
  ['colors of 24 bits', '\u001b[38;2;255;0;0mred\u001b[m', 'red'],
  ['8-bit codes', '\u009b31mred\u009b0m', 'red'],
  ['line ends of Windows', 'one\r\ntwo\r\n', 'one\ntwo\n'],
  ['a progress bar of tqdm', '\r  0%|   |\r 50%|#  |\r100%|###|\n', '100%|###|\n'],
  ['a shorter line over a longer one', 'downloading\rdone\u001b[K\n', 'done\n'],
  [
    'the spinner of npm',
    '\u001b[1G\u001b[0K⠙\u001b[1G\u001b[0K⠹\u001b[1G\u001b[0Kadded 3 packages',
    'added 3 packages',
  ],
  [
    'two lines that docker compose draws again',
    ' a Pulling\n b Pulling\n\u001b[2A\u001b[2K a Pulled\n\u001b[2K b Pulled\n',
    ' a Pulled\n b Pulled\n',
  ],
  ['lines that rich erases', 'working\n\u001b[1A\u001b[2Kdone\n', 'done\n'],
  ['backspaces', 'wrong\b\b\b\b\bright', 'right'],
  [
    'a title and a link',
    '\u001b]0;title\u0007see \u001b]8;;https://x.test\u001b\\docs\u001b]8;;\u001b\\',
    'see docs',
  ],
  ['a code that is cut off', 'one\u001b]0;title\ntwo\u001b[3', 'one\ntwo'],
  ['a cleared screen keeps what was printed', 'one\u001b[2J\u001b[Htwo', 'one\ntwo'],
  ['a bell, NUL and DEL', 'a\u0007b\u0000c\u007f', 'abc'],
  ['marks that change the direction', 'a\u202eb\u2066c', 'abc'],
  ['a column far to the right', '\u001b[999999999Cx', `${' '.repeat(4096)}x`],
  ['cursor movements above the first line', '\u001b[99Aone', 'one'],
]

for (const [what, printed, shown] of examples) {
  test(`The text of a terminal: ${what}`, () => assert.equal(toPlainText(printed), shown))
}

test('No text of any program leaves a control code', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u001b[', '\u001b]', '\u009b', '\u0007', '\r', '\b', '\n', '2K', '1A', '31m', '\u202e'),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const shown = toPlainText(pieces.join(''))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      assert.equal(toPlainText(shown), shown)
    }),
  )
})
