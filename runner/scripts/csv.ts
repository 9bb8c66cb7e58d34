/**
 * Parses the output of config scripts and of info: CSV with two columns (RFC 4180, no header), or one key per line.
 * Called with the stdout of a finished script. Throws an Error that names the line.
 */
import { type CsvError, parse } from 'csv-parse/sync'
import { type KeyValue, normalizeKey } from '../../domain/overrides.ts'
import { isSafeLink } from '../../domain/safe-link.ts'
import type { Link } from '../../domain/schemas.ts'

export const maxRows = 10_000

/** Keys are normalized. The last value of a repeated key counts, as in Octopod 1.6. */
export function parsePairs(text: string): KeyValue[] {
  const config = new Map<string, string>()
  for (const { line, name, value } of parseRows(text)) {
    const key = normalizeKey(name)
    if (key === '') throw new Error(`line ${line}: the key is empty.`)
    config.set(key, value)
  }
  return [...config]
}

export function parseKeys(text: string): string[] {
  const keys = new Set<string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const key = normalizeKey(line)
    if (key === '') continue
    keys.add(key)
    if (keys.size > maxRows) throw new Error(`more than ${maxRows} keys.`)
  }
  return [...keys]
}

/** The keys, and those of them that are marked as secret: `db.pin,secret`. Another second column is part of the key. */
export function parseMarkedKeys(text: string): { keys: string[]; secretKeys: string[] } {
  const marked = parseKeys(text).map((line) => {
    const [, key] = /^(.*?)\s*,\s*secret$/.exec(line) ?? []
    return { key: normalizeKey(key ?? line), isSecret: key !== undefined }
  })
  const secretKeys = marked.filter(({ key, isSecret }) => isSecret && key !== '').map(({ key }) => key)
  return { keys: [...new Set(marked.map(({ key }) => key))].filter((key) => key !== ''), secretKeys }
}

/** Links other than http and https are left out; a warning names each. */
export function parseLinks(text: string): { links: Link[]; warnings: string[] } {
  const links: Link[] = []
  const warnings: string[] = []
  for (const { line, name, value } of parseRows(text)) {
    const link = value.trim()
    if (isSafeLink(link)) links.push({ name: name.trim(), link })
    else warnings.push(`line ${line}: ${quoteShort(link)} is not an http or https link and is left out.`)
  }
  return { links, warnings }
}

type Row = { line: number; name: string; value: string }

function parseRows(text: string): Row[] {
  const result: Row[] = []
  for (const { record, info } of parseRecords(text)) {
    const [name, value] = record
    if (record.length !== 2 || name === undefined || value === undefined)
      throw new Error(
        // Without the row, which may contain a secret.
        `line ${info.lines}: expected 2 columns, found ${record.length}.`,
      )
    result.push({ line: info.lines, name, value })
    if (result.length > maxRows) throw new Error(`more than ${maxRows} rows.`)
  }
  return result
}

type CsvRecord = { record: string[]; info: { lines: number } }

function parseRecords(text: string): CsvRecord[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    }) as unknown as CsvRecord[]
  } catch (error) {
    const { lines, code } = error as CsvError & { lines?: number }
    throw new Error(`line ${lines ?? '?'}: ${errorMessages[code] ?? 'this is not CSV'}.`)
  }
}

const errorMessages: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened but not closed',
  INVALID_OPENING_QUOTE: 'there is a quote inside a value that does not begin with one',
  CSV_INVALID_CLOSING_QUOTE: 'there is text after a closing quote',
}

function quoteShort(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
