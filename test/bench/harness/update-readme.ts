/** `npm run bench -- --record` writes the results of a run into README.md, between two marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../benchmarks/growth.ts'
import { type Result, renderResults, renderTable } from './results.ts'

const file = join(import.meta.dirname, '../README.md')
const marks = { from: '<!-- results -->', to: '<!-- end of results -->' }

export function updateReadme(machine: string, results: readonly Result[], grown: readonly Table[]): void {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(marks.from)
  const to = text.indexOf(marks.to)
  if (from === -1 || to < from) throw new Error('README.md has no marks for the results')
  const parts = [
    `Last results, ${machine}:`,
    ...(results.length > 0 ? [renderResults(results)] : []),
    ...grown.flatMap(({ title, head, rows }) => [title, renderTable([head, ...rows])]),
  ]
  writeFileSync(file, `${text.slice(0, from + marks.from.length)}\n${parts.join('\n\n')}\n${text.slice(to)}`)
}
