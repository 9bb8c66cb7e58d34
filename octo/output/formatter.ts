/**
 * Prints records in the formats of `-o json|jsonl|table|name|yaml`, the same in every command. Called through
 * base-command.ts.
 */
import { escapeHiddenCharacters, hasHiddenCharacter } from '../../lib/hidden-characters.ts'
import { CliError } from '../errors/cli-error.ts'
import { displayWidth, toSingleLine } from './terminal-text.ts'

/** The values of --output. */
export const formats = ['json', 'jsonl', 'table', 'name', 'yaml'] as const
export type Format = (typeof formats)[number]

/** How to print records of one kind with `-o name` and `-o table`. */
export type RecordView<Item> = {
  name: (item: Item) => string
  columns: Record<string, (item: Item) => string>
}

/** A list, or a single record. */
export type Records<Item> = readonly Item[] | { record: Item }

export function parseFormat(text: string | undefined): Format | null {
  if (text === undefined) return null
  const format = formats.find((known) => known === text)
  if (format !== undefined) return format
  throw new CliError('usage', `-o needs one of ${formats.join(', ')}, not "${text.slice(0, 40)}".`)
}

/** In JSON and YAML, a list is an array and a single record an object. Every line ends with a new line. */
export async function formatRecords<Item>(
  format: Format,
  records: Records<Item>,
  view: RecordView<Item>,
): Promise<string> {
  const list = 'record' in records ? [records.record] : records
  const value = 'record' in records ? records.record : records
  switch (format) {
    case 'json':
      return `${toJson(value, 2)}\n`
    case 'jsonl':
      return list.map((item) => `${toJson(item)}\n`).join('')
    case 'yaml':
      return toYaml(value)
    case 'name':
      return list.map((item) => `${toSingleLine(view.name(item))}\n`).join('')
    case 'table':
      return formatTable(view, list)
  }
}

/** Values keep their meaning, and a terminal shows all of them. */
const toJson = (value: unknown, indent?: number): string =>
  escapeHiddenCharacters(JSON.stringify(value, null, indent))

async function toYaml(value: unknown): Promise<string> {
  const { Document, visit } = await import('yaml')
  const document = new Document(value, { aliasDuplicateObjects: false })
  // YAML knows escapes only within double quotes.
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && hasHiddenCharacter(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return escapeHiddenCharacters(document.toString({ lineWidth: 0 }))
}

/** Columns without frames, readable by people, cut and awk. */
export function formatTable<Item>({ columns }: RecordView<Item>, items: readonly Item[]): string {
  const rows = [
    Object.keys(columns),
    ...items.map((item) => Object.values(columns).map((cell) => toSingleLine(cell(item)) || '-')),
  ]
  const widths = Object.keys(columns).map((_, index) =>
    Math.max(...rows.map((row) => displayWidth(row[index] ?? ''))),
  )
  const line = (row: string[]) =>
    row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - displayWidth(cell))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
