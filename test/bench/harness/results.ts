/**
 * The results of the bench and how they are written: as a table, or as JSON. Called by main.ts and the
 * benchmarks.
 */

export type Result = {
  row: string
  description: string
  octopod: string
  baseline: string
  /** Octopod divided by baseline; null without a baseline. */
  ratio: number | null
  target: string
  /** Null: there is no target. */
  met: boolean | null
}

type Column = 'row' | 'description' | 'octopod' | 'baseline' | 'ratio' | 'target' | 'met'
const columns: readonly Column[] = ['row', 'description', 'octopod', 'baseline', 'ratio', 'target', 'met']

/** A Markdown table with aligned columns, readable in a terminal too. */
export function renderResults(results: readonly Result[]): string {
  const cells = results.map((result) => columns.map((column) => formatCell(result, column)))
  return renderTable([[...columns], ...cells])
}

export function renderTable([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function formatCell(result: Result, column: Column): string {
  if (column === 'ratio') return result.ratio === null ? '' : result.ratio.toFixed(2)
  if (column === 'met') return result.met === null ? '' : result.met ? 'yes' : 'NO'
  return result[column]
}

export const formatRate = (value: number) => `${value < 100 ? value.toFixed(1) : Math.round(value)}/s`
export const formatMs = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
export const formatMegabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`
export const formatKilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`
