/**
 * Tables for people: the frames of Octopod 1.6, and one paragraph for each row on narrow terminals. Pure functions that
 * return lines. Called by the info and actions commands.
 */
import type { Override, OverrideValue } from '../../domain/overrides.ts'
import { shownValue } from '../config/shown-value.ts'
import { displayWidth, splitByWidth, toSingleLine } from './terminal-text.ts'

type Frame = { top: string; middle: string; bottom: string; horizontal: string; vertical: string }

const singleFrame: Frame = { top: '┌┬┐', middle: '├┼┤', bottom: '└┴┘', horizontal: '─', vertical: '│' }
const doubleFrame: Frame = { top: '╔╦╗', middle: '╠╬╣', bottom: '╚╩╝', horizontal: '═', vertical: '║' }

/** Overrides as a framed table with two columns; no line without overrides. */
export function renderOverrides(overrides: readonly Override[], columns: number): string[] {
  if (overrides.length === 0) return []
  const keyWidth = Math.max(...overrides.map(([key]) => displayWidth(toSingleLine(key))))
  // Frames and spaces take 7 columns: two frames, one frame between the cells, and four spaces.
  const availableWidth = Math.max(columns - 7, 16)
  const keyColumnWidth = Math.min(keyWidth, Math.floor(availableWidth / 2))
  const rows = overrides.map(([key, value]) => [
    splitByWidth(toSingleLine(key), keyColumnWidth),
    splitByWidth(formatValue(value), availableWidth - keyColumnWidth),
  ])
  return renderFrame(singleFrame, rows, [alignRight, alignLeft])
}

/** The same inside a table cell: without the outer frame, with keys and values split as in Octopod 1.6. */
export function renderOverridesCell(overrides: readonly Override[]): string[] {
  const rows = overrides.map(([key, value]) => [
    splitByWidth(toSingleLine(key), 15),
    splitByWidth(formatValue(value), 25),
  ])
  return renderFrame(singleFrame, rows, [alignRight, alignLeft])
    .slice(1, -1)
    .map((line) => line.slice(1, -1))
}

/**
 * A table with headings; each cell is a list of lines. When the table is wider than `columns`, each row becomes a
 * paragraph of `Heading: value` lines.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly string[][][],
  columns: number,
): string[] {
  const wideTable = renderFrame(
    doubleFrame,
    [headings.map((heading) => [heading]), ...rows],
    headings.map(() => alignCenter),
  )
  if (displayWidth(wideTable[0] ?? '') <= columns) return wideTable
  return rows.flatMap((cells, index) => [...(index === 0 ? [] : ['']), ...renderRecord(headings, cells)])
}

/** An ISO timestamp to the second, as Octopod 1.6 showed it, with its time zone: UTC. */
export function formatTimestamp(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19)}Z`
}

function formatValue(value: OverrideValue): string {
  return value.tag === 'ValueAdded' ? toSingleLine(shownValue(value.contents)) : '<<REMOVED>>'
}

function renderRecord(headings: readonly string[], cells: readonly string[][]): string[] {
  return headings.flatMap((heading, index) => {
    const lines = (cells[index] ?? []).filter((line) => line.trim() !== '')
    if (lines.length === 0) return []
    return lines.length === 1
      ? [`${heading}: ${lines[0]?.trim()}`]
      : [`${heading}:`, ...lines.map((line) => `  ${line.trimEnd()}`)]
  })
}

type Align = (text: string, width: number) => string

const alignLeft: Align = (text, width) => text + ' '.repeat(Math.max(0, width - displayWidth(text)))
const alignRight: Align = (text, width) => ' '.repeat(Math.max(0, width - displayWidth(text))) + text
const alignCenter: Align = (text, width) => {
  const left = Math.floor(Math.max(0, width - displayWidth(text)) / 2)
  return alignLeft(' '.repeat(left) + text, width)
}

function renderFrame(frame: Frame, rows: readonly string[][][], alignments: readonly Align[]): string[] {
  const widths = alignments.map((_, index) =>
    rows.reduce(
      (most, cells) =>
        (cells[index] ?? []).reduce((width, line) => Math.max(width, displayWidth(line)), most),
      0,
    ),
  )
  const border = ([left, cross, right]: string): string =>
    left + widths.map((width) => frame.horizontal.repeat(width + 2)).join(cross) + right
  const lines = rows.flatMap((cells, index) => [
    border(index === 0 ? frame.top : frame.middle),
    ...renderRow(frame, cells, widths, alignments),
  ])
  return rows.length === 0 ? [] : [...lines, border(frame.bottom)]
}

function renderRow(
  frame: Frame,
  cells: readonly string[][],
  widths: readonly number[],
  alignments: readonly Align[],
) {
  const height = Math.max(1, ...cells.map((cell) => cell.length))
  return Array.from({ length: height }, (_, line) => {
    const texts = alignments.map((align, index) => align(cells[index]?.[line] ?? '', widths[index] ?? 0))
    return `${frame.vertical} ${texts.join(` ${frame.vertical} `)} ${frame.vertical}`
  })
}
