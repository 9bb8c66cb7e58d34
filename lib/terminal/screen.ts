/**
 * What a terminal shows for the text that a program prints: rows with colors and styles. Follows carriage return, backspace,
 * cursor movements and erasures, and ignores all other control codes. The text may come in pieces. A code that clears the
 * screen starts a new row, because a log keeps what was printed before. Used by terminal-text.ts and the page's output.
 */
import { type CODE, parse } from '@ansi-tools/parser'
import { nextStyle, type TextStyle } from './style.ts'

/** Positions in the text of its row. */
export type StyleRun = { readonly from: number; readonly to: number; readonly style: TextStyle }
/** `runs`: the parts with a style, in order. */
export type ScreenRow = { readonly text: string; readonly runs: readonly StyleRun[] }

export type TerminalScreen = {
  /** All rows ever drawn. Those from `height()` on were erased. */
  readonly rows: readonly ScreenRow[]
  height(): number
  /** Returns the index of the first changed row; the number of rows when none has changed. */
  write(text: string): number
}

/** Anything that is more than plain text with tabs and line ends. Also marks that change the direction of text. */
export const specialCharacters =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const printableOrMove = new RegExp(`${specialCharacters.source.replace('[', '[^')}+|[\\r\\b]`, 'g')

/** A code that may continue in the next piece. A longer one is taken as it is. */
const unfinishedCode =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /(?:\u001b(?:[\u0020-\u002f]{0,9}|\[[\u0020-\u003f]{0,99}|[\]PX^_][^\n\u0007\u001b\u009c]{0,999}\u001b?)|\u009b[\u0020-\u003f]{0,99}|[\u009d\u0090\u0098\u009e\u009f][^\n\u0007\u001b\u009c]{0,999}\u001b?)$/
/** A program cannot make the cursor create more columns than this. */
const maxColumn = 4096
/** A longer row is not drawn over: every character would cost as much as the row is long. */
const maxRedrawnCharacters = 2000
/** The cursor reaches this many rows above the last one, as on a very high terminal. */
const reachableRows = 500

/** `length`: characters, as the cursor counts them. */
type Row = { text: string; runs: StyleRun[]; length: number }
type Cell = { character: string; style: TextStyle | null }

export function createTerminalScreen(): TerminalScreen {
  const rows: Row[] = [emptyRow()]
  let [row, column, height] = [0, 0, 1]
  let style: TextStyle | null = null
  let unfinished = ''
  let firstChanged = 0

  const current = (): Row => {
    firstChanged = Math.min(firstChanged, row)
    return rows[row] as Row
  }
  const moveTo = (target: number) => {
    column = Math.max(0, Math.min(target, maxColumn))
  }
  const moveUp = (count: number) => {
    row = Math.max(0, row - count, height - reachableRows)
  }
  /** Stops at the last row: a terminal does not scroll for a cursor movement. */
  const moveDown = (count: number) => {
    row = Math.min(height - 1, row + count)
  }
  const newRow = () => {
    row += 1
    column = 0
    if (row < height) return
    height += 1
    if (rows.length < height) rows.push(emptyRow())
    else Object.assign(current(), emptyRow())
    firstChanged = Math.min(firstChanged, row)
  }
  const newRowAtEnd = () => {
    row = height - 1
    if (current().length > 0) newRow()
    column = 0
  }
  const put = (text: string) => {
    if (column < current().length && current().length > maxRedrawnCharacters) newRowAtEnd()
    const target = current()
    const length = countCharacters(text)
    if (column > target.length)
      append(target, ' '.repeat(column - target.length), column - target.length, null)
    if (column === target.length) append(target, text, length, style)
    else {
      const cells = toCells(target)
      const drawn = [...text].map((character) => ({ character, style }))
      fromCells(target, [...cells.slice(0, column), ...drawn, ...cells.slice(column + length)])
    }
    column += length
  }
  const print = (text: string) => {
    for (const [part] of text.matchAll(printableOrMove)) {
      if (part === '\r') column = 0
      else if (part === '\b') moveTo(column - 1)
      else put(part)
    }
  }
  /** `0` or nothing: to the end; `1`: from the start; `2`: the whole row. */
  const eraseInRow = (part: string) => {
    const target = current()
    if (part === '2') Object.assign(target, emptyRow())
    else if (part !== '1' && column < target.length) fromCells(target, toCells(target).slice(0, column))
    else if (part === '1') {
      const cells = toCells(target)
      for (const cell of cells.slice(0, column + 1)) Object.assign(cell, { character: ' ', style: null })
      fromCells(target, cells)
    }
  }
  const eraseBelow = () => {
    eraseInRow('0')
    for (const below of rows.slice(row + 1, height)) Object.assign(below, emptyRow())
    height = row + 1
  }
  /** The control sequences that change what is shown. `count`: the first parameter as a number, 1 without one. */
  const commands: Record<string, (count: number, parameter: string) => void> = {
    A: moveUp,
    B: moveDown,
    C: (count) => moveTo(column + count),
    D: (count) => moveTo(column - count),
    E: (count) => {
      moveDown(count)
      column = 0
    },
    F: (count) => {
      moveUp(count)
      column = 0
    },
    G: (count) => moveTo(count - 1),
    H: newRowAtEnd,
    J: (_, part) => (part === '' || part === '0' ? eraseBelow() : newRowAtEnd()),
    K: (_, part) => eraseInRow(part),
  }
  const apply = (code: CODE) => {
    if (code.type === 'TEXT') return print(code.raw)
    if (code.type !== 'CSI' && code.type !== 'SGR') return
    if (code.command === 'm') {
      style = nextStyle(style, code.parameterGroups?.map((parts) => parts.join(':')) ?? code.params)
      return
    }
    const [parameter = ''] = code.params
    const count = Math.max(1, Math.min(Number(parameter) || 1, maxColumn))
    commands[code.command]?.(count, parameter)
  }

  return {
    rows,
    height: () => height,
    write: (text) => {
      firstChanged = rows.length
      let whole = unfinished + text
      unfinished = unfinishedCode.exec(whole)?.[0] ?? ''
      whole = whole.slice(0, whole.length - unfinished.length)
      // No code contains a line end. One that is cut off ends with its line.
      for (const [index, line] of whole.split('\n').entries()) {
        if (index > 0) newRow()
        if (line === '') continue
        if (specialCharacters.test(line)) for (const code of parse(line)) apply(code)
        else put(line)
      }
      return firstChanged
    },
  }
}

const emptyRow = (): Row => ({ text: '', runs: [], length: 0 })

const countCharacters = (text: string) => (/[\ud800-\udfff]/.test(text) ? [...text].length : text.length)

function append(row: Row, text: string, length: number, style: TextStyle | null): void {
  const from = row.text.length
  row.text += text
  row.length += length
  if (style === null) return
  const last = row.runs.at(-1)
  const continues = last !== undefined && last.to === from && last.style === style
  row.runs[row.runs.length - (continues ? 1 : 0)] = {
    from: continues ? last.from : from,
    to: row.text.length,
    style,
  }
}

function toCells({ text, runs }: Row): Cell[] {
  let position = 0
  let index = 0
  return [...text].map((character) => {
    while ((runs[index]?.to ?? Number.POSITIVE_INFINITY) <= position) index += 1
    const run = runs[index]
    const style = run !== undefined && run.from <= position ? run.style : null
    position += character.length
    return { character, style }
  })
}

function fromCells(row: Row, cells: readonly Cell[]): void {
  Object.assign(row, emptyRow())
  for (let from = 0; from < cells.length; ) {
    const style = cells[from]?.style ?? null
    let to = from + 1
    while (to < cells.length && cells[to]?.style === style) to += 1
    const text = cells.slice(from, to).map(({ character }) => character)
    append(row, text.join(''), text.length, style)
    from = to
  }
}
