/** `--record` puts the figures of a run into README.md, between its two marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../benchmarks/growth.ts'
import { type Result, renderResults, renderTable } from './results.ts'

const file = join(import.meta.dirname, '../README.md')
const marks = { from: '<!-- figures -->', to: '<!-- end of figures -->' }

export function updateReadme(machine: string, figures: readonly Result[], grown: readonly Table[]): void {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(marks.from)
  const to = text.indexOf(marks.to)
  if (from === -1 || to < from) throw new Error('README.md has lost the marks of its figures')
  const parts = [
    `Last figures, ${machine}:`,
    ...(figures.length > 0 ? [renderResults(figures)] : []),
    ...grown.flatMap(({ title, head, rows }) => [title, renderTable([head, ...rows])]),
  ]
  writeFileSync(file, `${text.slice(0, from + marks.from.length)}\n${parts.join('\n\n')}\n${text.slice(to)}`)
}
