/** A figure of the bench, and how figures are written: for people as a table, for programs as JSON lines. */

export type Result = {
  row: string
  description: string
  ours: string
  baseline: string
  /** Ours to floor; null where there is no floor. */
  ratio: number | null
  target: string
  /** Null: no target, it is only shown. */
  met: boolean | null
}

type Column = 'row' | 'description' | 'ours' | 'baseline' | 'ratio' | 'target' | 'met'
const columns: readonly Column[] = ['row', 'description', 'ours', 'baseline', 'ratio', 'target', 'met']

/** A Markdown table that reads well in a terminal too. */
export function renderResults(figures: readonly Result[]): string {
  const cells = figures.map((figure) => columns.map((column) => formatCell(figure, column)))
  return renderTable([[...columns], ...cells])
}

export function renderTable([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cellsOfRow: readonly string[]) =>
    `| ${cellsOfRow.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function formatCell(figure: Result, column: Column): string {
  if (column === 'ratio') return figure.ratio === null ? '' : figure.ratio.toFixed(2)
  if (column === 'met') return figure.met === null ? '' : figure.met ? 'yes' : 'NO'
  return figure[column]
}

export const formatRate = (value: number) => `${value < 100 ? value.toFixed(1) : Math.round(value)}/s`
export const formatMs = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
export const formatMegabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`
export const formatKilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`
