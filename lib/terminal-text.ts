/**
 * Turns what a program printed for a terminal into the text that the terminal would show: without colors, and with
 * progress bars as they looked in the end. The one cleaner for words of scripts: used by runner, page and octo.
 */
import { type CODE, parse } from '@ansi-tools/parser'

/** Anything that is more than plain text with tabs and line ends. Also marks that change the direction of text. */
const special =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const dropped = new RegExp(special.source, 'g')

/** A program cannot make the cursor create more columns than this. */
const maxColumn = 4096

/**
 * Follows carriage return, backspace, cursor movements and erasures. Ignores other control codes. A code that clears the
 * screen starts a new line, because a log keeps what was printed before.
 */
export function toPlainText(text: string): string {
  if (!special.test(text)) return text
  const screen = createScreen()
  // No code contains a line end. One that is cut off ends with its line.
  for (const [index, line] of text.replaceAll('\r\n', '\n').split('\n').entries()) {
    if (index > 0) screen.newLine()
    for (const code of parse(line)) apply(screen, code)
  }
  return screen.text()
}

type Screen = ReturnType<typeof createScreen>

/** The control sequences that change the text. `count`: the first parameter as a number, 1 without one. */
const commands: Record<string, (screen: Screen, count: number, parameter: string) => void> = {
  A: (screen, count) => screen.moveUp(count),
  B: (screen, count) => screen.moveDown(count),
  C: (screen, count) => screen.moveTo(screen.column() + count),
  D: (screen, count) => screen.moveTo(screen.column() - count),
  E: (screen, count) => {
    screen.moveDown(count)
    screen.moveTo(0)
  },
  F: (screen, count) => {
    screen.moveUp(count)
    screen.moveTo(0)
  },
  G: (screen, count) => screen.moveTo(count - 1),
  H: (screen) => screen.newLineAtEnd(),
  J: (screen, _, part) => (part === '' || part === '0' ? screen.eraseBelow() : screen.newLineAtEnd()),
  K: (screen, _, part) => screen.eraseInLine(part),
}

function apply(screen: Screen, code: CODE): void {
  if (code.type === 'TEXT') screen.write(code.raw)
  if (code.type !== 'CSI') return
  const [parameter = ''] = code.params
  const count = Math.max(1, Math.min(Number(parameter) || 1, maxColumn))
  commands[code.command]?.(screen, count, parameter)
}

function createScreen() {
  /** One entry for each character. */
  const rows: string[][] = [[]]
  let row = 0
  let column = 0
  const current = (): string[] => rows[row] ?? []
  const moveTo = (target: number) => {
    column = Math.max(0, Math.min(target, maxColumn))
  }
  const put = (character: string) => {
    const cells = current()
    while (cells.length < column) cells.push(' ')
    cells[column] = character
    column += 1
  }
  return {
    column: () => column,
    moveTo,
    write(text: string) {
      for (const character of text) {
        if (character === '\r') column = 0
        else if (character === '\b') moveTo(column - 1)
        else if (!special.test(character)) put(character)
      }
    },
    newLine() {
      row += 1
      column = 0
      if (rows.length === row) rows.push([])
    },
    moveUp(count: number) {
      row = Math.max(0, row - count)
    },
    /** Stops at the last line: a terminal does not scroll for a cursor movement. */
    moveDown(count: number) {
      row = Math.min(rows.length - 1, row + count)
    },
    newLineAtEnd() {
      row = rows.length - 1
      if (current().length > 0) {
        rows.push([])
        row += 1
      }
      column = 0
    },
    eraseBelow() {
      current().length = Math.min(current().length, column)
      rows.length = row + 1
    },
    /** `0` or nothing: to the end; `1`: from the start; `2`: the whole line. */
    eraseInLine(part: string) {
      const cells = current()
      if (part === '1') cells.fill(' ', 0, column + 1)
      else cells.length = part === '2' ? 0 : Math.min(cells.length, column)
    },
    text: () => rows.map((cells) => cells.join('').replaceAll(dropped, '')).join('\n'),
  }
}
