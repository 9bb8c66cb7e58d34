/** A figure of the bench, and how figures are written: for people as a table, for programs as JSON lines. */

export type Figure = {
  row: string
  what: string
  ours: string
  floor: string
  /** Ours to floor; null where there is no floor. */
  ratio: number | null
  target: string
  /** Null: no target, it is only shown. */
  met: boolean | null
}

type Column = 'row' | 'what' | 'ours' | 'floor' | 'ratio' | 'target' | 'met'
const columns: readonly Column[] = ['row', 'what', 'ours', 'floor', 'ratio', 'target', 'met']

/** A Markdown table that reads well in a terminal too. */
export function tableOf(figures: readonly Figure[]): string {
  const cells = figures.map((figure) => columns.map((column) => cellOf(figure, column)))
  return markdown([[...columns], ...cells])
}

export function markdown([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cellsOfRow: readonly string[]) =>
    `| ${cellsOfRow.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function cellOf(figure: Figure, column: Column): string {
  if (column === 'ratio') return figure.ratio === null ? '' : figure.ratio.toFixed(2)
  if (column === 'met') return figure.met === null ? '' : figure.met ? 'yes' : 'NO'
  return figure[column]
}

export const perSecond = (value: number) => `${value < 100 ? value.toFixed(1) : Math.round(value)}/s`
export const ms = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
export const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`
export const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`
