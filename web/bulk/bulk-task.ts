/**
 * What the user does with several deployments: the input, its preview, then the change itself. Lives in app.bulk, so that it goes on
 * while its dialog is closed. Created by open-task.ts, drawn by the dialog.
 */
import type { ReadonlySignal, Signal } from '@preact/signals'
import type { BulkChange } from '../../client/send-bulk.ts'
import type { BulkOperation } from '../../domain/changes/bulk-operations.ts'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'
import type { BulkRun } from './bulk-run.ts'
import { operationWords } from './operations.ts'

export type BulkTask = {
  operation: BulkOperation
  names: readonly string[]
  /** Null while the user enters it. */
  change: Signal<BulkChange | null>
  reason: Signal<string>
  /** Null before the change is known. */
  preview: ReadonlySignal<BulkRun | null>
  /** The change itself, of the deployments that the preview accepts; null before it is confirmed. */
  run: ReadonlySignal<BulkRun | null>
  /** The deployments that the preview accepts. */
  accepted: ReadonlySignal<readonly string[]>
  /** Of the change, with what the preview has refused and left alone. */
  outcomes: ReadonlySignal<readonly BulkLine[]>
  hasEnded: ReadonlySignal<boolean>
  startPreview(change: BulkChange): void
  /** Begins the change, or continues it. */
  start(): void
}

/** `298 accepted, 2 unchanged, 1 refused`. */
export function summaryOf(operation: BulkOperation, lines: readonly BulkLine[]): string {
  const counts = [
    [namesWith('accepted', lines).length, operationWords[operation].done],
    [namesWith('unchanged', lines).length, 'unchanged'],
    [namesWith('refused', lines).length, 'refused'],
  ] as const
  const shown = counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count.toLocaleString()} ${word}`)
  return shown.length === 0 ? 'nothing was changed' : shown.join(', ')
}

export const namesWith = (outcome: BulkLine['outcome'], lines: readonly BulkLine[]): string[] =>
  lines.filter((line) => line.outcome === outcome).map(({ name }) => name)
