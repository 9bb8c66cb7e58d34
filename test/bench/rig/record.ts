/** `--record` puts the figures of a run into README.md, between its two marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Growth } from '../rows/growth.ts'
import { type Figure, markdown, tableOf } from './figures.ts'

const file = join(import.meta.dirname, '../README.md')
const marks = { from: '<!-- figures -->', to: '<!-- end of figures -->' }

export function record(machine: string, figures: readonly Figure[], grown: readonly Growth[]): void {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(marks.from)
  const to = text.indexOf(marks.to)
  if (from === -1 || to < from) throw new Error('README.md has lost the marks of its figures')
  const parts = [
    `Last figures, ${machine}:`,
    ...(figures.length > 0 ? [tableOf(figures)] : []),
    ...grown.flatMap(({ title, head, rows }) => [title, markdown([head, ...rows])]),
  ]
  writeFileSync(file, `${text.slice(0, from + marks.from.length)}\n${parts.join('\n\n')}\n${text.slice(to)}`)
}
