/**
 * Records for people and programs: `-o json|jsonl|table|name|yaml`, the same in every command. Called by the commands
 * that have something to tell, through command.ts.
 */
import { Failure } from './failure.ts'
import { oneLine, widthOf } from './text.ts'

export const formats = ['json', 'jsonl', 'table', 'name', 'yaml'] as const
export type Format = (typeof formats)[number]

/** How records of one kind look as a name and as a row. */
export type Look<Item> = {
  name: (item: Item) => string
  columns: Record<string, (item: Item) => string>
}

/** A list, or a single record. */
export type Records<Item> = readonly Item[] | { one: Item }

export function checkedFormat(text: string | undefined): Format | null {
  if (text === undefined) return null
  const format = formats.find((one) => one === text)
  if (format !== undefined) return format
  throw new Failure('usage', `-o needs one of ${formats.join(', ')}, not "${text.slice(0, 40)}".`)
}

/** A list is an array in JSON and YAML; a single record is itself. Ends with a new line unless there is nothing. */
export async function shown<Item>(format: Format, records: Records<Item>, look: Look<Item>): Promise<string> {
  const list = 'one' in records ? [records.one] : records
  const value = 'one' in records ? records.one : records
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, null, 2)}\n`
    case 'jsonl':
      return list.map((item) => `${JSON.stringify(item)}\n`).join('')
    case 'yaml': {
      const { stringify } = await import('yaml')
      return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
    }
    case 'name':
      return list.map((item) => `${look.name(item)}\n`).join('')
    case 'table':
      return table(look, list)
  }
}

/** Columns without frames, for eyes, cut and awk. */
export function table<Item>({ columns }: Look<Item>, items: readonly Item[]): string {
  const rows = [
    Object.keys(columns),
    ...items.map((item) => Object.values(columns).map((cell) => oneLine(cell(item)) || '-')),
  ]
  const widths = Object.keys(columns).map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  const line = (row: string[]) =>
    row.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
