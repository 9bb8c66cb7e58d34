/** The title and the labels that somebody enters, with an error for each field. Drawn by label-fields.ts. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { type Labels, labelKeyError, labelValueError, maxLabels, titleError } from '../../../domain/labels.ts'

export type LabelRow = { key: string; value: string }
export type LabelRowError = { part: keyof LabelRow; text: string }

export type LabelInput = {
  title: Signal<string>
  /** The last row is empty, for the next label. */
  rows: Signal<readonly LabelRow[]>
  titleError: ReadonlySignal<string | null>
  /** By the index of the row. */
  rowErrors: ReadonlySignal<readonly (LabelRowError | null)[]>
  /** The first of all errors. */
  error: ReadonlySignal<string | null>
  isEmpty: ReadonlySignal<boolean>
  edit(index: number, part: Partial<LabelRow>): void
  remove(index: number): void
  /** What to send. Only without an error. */
  read(): { title: string | null; labels: Labels }
}

const emptyRow: LabelRow = { key: '', value: '' }
const isEntered = ({ key, value }: LabelRow) => key.trim() !== '' || value.trim() !== ''

export function createLabelInput(savedTitle: string, savedRows: readonly LabelRow[]): LabelInput {
  const title = signal(savedTitle)
  const rows = signal<readonly LabelRow[]>(withEmptyRow(savedRows))
  const titleProblem = computed(() => (title.value.trim() === '' ? null : titleError(title.value.trim())))
  const rowErrors = computed(() => findRowErrors(rows.value))
  return {
    title,
    rows,
    titleError: titleProblem,
    rowErrors,
    error: computed(
      () => titleProblem.value ?? rowErrors.value.find((rowError) => rowError !== null)?.text ?? null,
    ),
    isEmpty: computed(() => title.value.trim() === '' && !rows.value.some(isEntered)),
    edit: (index, part) => {
      rows.value = withEmptyRow(rows.peek().map((row, at) => (at === index ? { ...row, ...part } : row)))
    },
    remove: (index) => {
      rows.value = withEmptyRow(rows.peek().filter((_, at) => at !== index))
    },
    read: () => ({
      title: title.peek().trim() || null,
      labels: Object.fromEntries(
        rows
          .peek()
          .filter(isEntered)
          .map(({ key, value }) => [key.trim(), value.trim()]),
      ),
    }),
  }
}

function withEmptyRow(rows: readonly LabelRow[]): readonly LabelRow[] {
  const last = rows.at(-1)
  return last?.key === '' && last.value === '' ? rows : [...rows, emptyRow]
}

/** In the words of the server. */
function findRowErrors(rows: readonly LabelRow[]): (LabelRowError | null)[] {
  const keys = new Set<string>()
  return rows.map((row) => {
    if (!isEntered(row)) return null
    const [key, value] = [row.key.trim(), row.value.trim()]
    const isRepeated = keys.has(key)
    keys.add(key)
    const keyError = labelKeyError(key) ?? (isRepeated ? `The label ${key} is there twice.` : null)
    if (keyError !== null) return { part: 'key', text: keyError }
    if (keys.size > maxLabels) return { part: 'key', text: `At most ${maxLabels} labels are possible.` }
    const valueError = labelValueError(key, value)
    return valueError === null ? null : { part: 'value', text: valueError }
  })
}
