/** Begins a change of many deployments, and follows it until it has ended: the bar and the dialog call it. */
import { computed, signal } from '@preact/signals'
import { createIdempotencyKey } from '../../client/call-endpoint.ts'
import type { BulkChange } from '../../client/send-bulk.ts'
import type { BulkOperation } from '../../domain/changes/bulk-operations.ts'
import type { AppContext } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { type BulkRun, createBulkRun } from './bulk-run.ts'
import { type BulkTask, namesWith, summaryOf } from './bulk-task.ts'
import { operationWords } from './operations.ts'

/** Opens the dialog of a new task. */
export function openTask(
  app: AppContext,
  operation: BulkOperation,
  names: readonly string[],
  change?: BulkChange,
): void {
  app.bulk.peek()?.preview.peek()?.stop()
  const task = createBulkTask(app, operation, names)
  app.bulk.value = task
  app.overlay.value = { type: 'bulk' }
  if (change !== undefined) task.startPreview(change)
}

function createBulkTask(app: AppContext, operation: BulkOperation, names: readonly string[]): BulkTask {
  const { client } = app
  const change = signal<BulkChange | null>(null)
  const reason = signal('')
  const preview = signal<BulkRun | null>(null)
  const run = signal<BulkRun | null>(null)
  const accepted = computed(() => namesWith('accepted', preview.value?.lines.value ?? []))
  const task: BulkTask = {
    operation,
    names,
    change,
    reason,
    preview,
    run,
    accepted,
    outcomes: computed(() => [
      ...(run.value?.lines.value ?? []),
      ...(preview.value?.lines.value ?? []).filter(({ outcome }) => outcome !== 'accepted'),
    ]),
    hasEnded: computed(() => run.value?.phase.value === 'ended'),
    startPreview: (entered) => {
      preview.peek()?.stop()
      change.value = entered
      const dryRun = { ...entered, dry_run: true }
      preview.value = createBulkRun(client, names, dryRun, { key: createIdempotencyKey() })
      void preview.value.start()
    },
    start: () => {
      if (change.value === null) return
      run.value ??= createBulkRun(client, accepted.value, change.value, {
        key: createIdempotencyKey(),
        reason: reason.peek().trim(),
      })
      void follow(app, task, run.value)
    },
  }
  return task
}

/** Until it has ended, or is stopped. */
async function follow(app: AppContext, task: BulkTask, run: BulkRun): Promise<void> {
  const { ownChanges, selection, overlay } = app
  // Before the request: an event may come before its line.
  for (const name of run.names) ownChanges.add(name)
  window.addEventListener('beforeunload', askBeforeUnload)
  try {
    await run.start()
  } finally {
    window.removeEventListener('beforeunload', askBeforeUnload)
  }
  const lines = task.outcomes.peek()
  for (const { name, outcome } of lines) if (outcome !== 'accepted') ownChanges.delete(name)
  if (app.live.connectionState.peek() !== 'live') void app.sync.refresh()
  // What is refused stays selected.
  if (task.hasEnded.peek())
    selection.remove(lines.filter(({ outcome }) => outcome !== 'refused').map(({ name }) => name))
  if (overlay.peek()?.type !== 'bulk' && run.phase.peek() !== 'stopped') showToast(app, task, run)
}

const askBeforeUnload = (event: BeforeUnloadEvent) => event.preventDefault()

function showToast({ toasts, overlay, bulk }: AppContext, task: BulkTask, run: BulkRun): void {
  const { phrase } = operationWords[task.operation]
  const what = `${phrase} ${pluralize(task.names.length, 'deployment')}`
  const onOpen = () => {
    bulk.value = task
    overlay.value = { type: 'bulk' }
  }
  const isFailed = run.phase.peek() === 'failed'
  const refused = namesWith('refused', task.outcomes.peek()).length
  const text = isFailed
    ? `${what}: not finished.`
    : `${what}: ${summaryOf(task.operation, task.outcomes.peek())}.`
  toasts.showOutcome(isFailed || refused > 0 ? 'error' : 'success', text, { text: 'Show outcomes', onOpen })
}
