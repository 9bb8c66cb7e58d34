/**
 * Reads what scripts answer: CSV of two columns (RFC 4180, no header), or one key a line (contract §3).
 * Called by answer and perform with a finished script's stdout; throws Errors whose words name the line.
 */
import { type CsvError, parse } from 'csv-parse/sync'
import { isSafeLink } from '../domain/link.ts'
import { normaliseKey, type Pair } from '../domain/overrides.ts'
import type { Link } from '../domain/shapes.ts'

export const maxRows = 10_000

/** A config: keys normalised; of a key given twice the last value counts, as in Octopod 1.6. */
export function parsePairs(text: string): Pair[] {
  const config = new Map<string, string>()
  for (const { line, name, value } of rows(text)) {
    const key = normaliseKey(name)
    if (key === '') throw new Error(`line ${line}: the key is empty.`)
    config.set(key, value)
  }
  return [...config]
}

export function parseKeys(text: string): string[] {
  const keys = new Set<string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const key = normaliseKey(line)
    if (key === '') continue
    keys.add(key)
    if (keys.size > maxRows) throw new Error(`more than ${maxRows} keys.`)
  }
  return [...keys]
}

/** Links that are not http or https are left out and named in `problems`. */
export function parseLinks(text: string): { links: Link[]; problems: string[] } {
  const links: Link[] = []
  const problems: string[] = []
  for (const { line, name, value } of rows(text)) {
    const link = value.trim()
    if (isSafeLink(link)) links.push({ name: name.trim(), link })
    else problems.push(`line ${line}: ${shown(link)} is not an http or https link and is left out.`)
  }
  return { links, problems }
}

type Row = { line: number; name: string; value: string }

function rows(text: string): Row[] {
  const found: Row[] = []
  for (const { record, info } of records(text)) {
    const [name, value] = record
    if (record.length !== 2 || name === undefined || value === undefined)
      throw new Error(
        `line ${info.lines}: expected 2 columns, found ${record.length}: ${shown(record.join(','))}`,
      )
    found.push({ line: info.lines, name, value })
    if (found.length > maxRows) throw new Error(`more than ${maxRows} rows.`)
  }
  return found
}

type Parsed = { record: string[]; info: { lines: number } }

function records(text: string): Parsed[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    }) as unknown as Parsed[]
  } catch (error) {
    const { lines, code } = error as CsvError & { lines?: number }
    throw new Error(`line ${lines ?? '?'}: ${words[code] ?? 'this is not CSV'}.`)
  }
}

const words: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened but not closed',
  INVALID_OPENING_QUOTE: 'a quote stands inside a value that does not begin with one',
  CSV_INVALID_CLOSING_QUOTE: 'something follows a closing quote',
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
