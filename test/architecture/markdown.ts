/** Reads tables and headings of Markdown files. Called by the architecture tests and other tests of documents. */
import { read } from './repository.ts'

/** Rows of the tables under the headings that match. Cells are text, without code marks and with `\|` unescaped. */
export function tableRows(path: string, under: (heading: string) => boolean = () => true): string[][] {
  let heading = ''
  const rows: string[][] = []
  for (const line of read(path).split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    if (!line.startsWith('| ') || line.startsWith('| ---') || !under(heading)) continue
    rows.push(
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => plain(cell.replaceAll('\\|', '|').trim())),
    )
  }
  return rows
}

const plain = (cell: string): string => (/^`[^`]*`$/.test(cell) ? cell.slice(1, -1) : cell)

/** The sections of one level: heading → text up to the next heading of the same or a higher level. */
export function sections(path: string, level: number): Map<string, string> {
  const found = new Map<string, string>()
  let heading: string | null = null
  for (const line of read(path).split('\n')) {
    const [, marks = '', title = ''] = /^(#+) (.+)$/.exec(line) ?? []
    if (marks !== '' && marks.length <= level) heading = marks.length === level ? title : null
    else if (heading !== null) found.set(heading, `${found.get(heading) ?? ''}${line}\n`)
    if (heading !== null && marks.length === level) found.set(heading, '')
  }
  return found
}
