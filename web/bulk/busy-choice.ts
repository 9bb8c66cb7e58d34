/**
 * What happens to the selected deployments that are busy: drawn in the preview, which is made again with each answer. Nothing when no
 * deployment is busy, or when the change does not start an action that can wait.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { waitingOperations } from '../../domain/changes/bulk-operations.ts'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'
import { useApp } from '../app-context.ts'
import { isBusy, type WhenBusyAnswer, WhenBusyChoice } from '../deployment/dialogs/when-busy-choice.ts'
import type { BulkTask } from './bulk-task.ts'

type Props = { task: BulkTask; lines: readonly BulkLine[] }

export function BusyChoice({ task, lines }: Props): VNode | null {
  const { store } = useApp()
  const { change, names, operation } = task
  const asked = change.value?.when_busy
  const answer = useSignal<WhenBusyAnswer>(asked ?? 'fail')
  const isAnyBusy = useMemo(() => names.some((name) => isBusy(store.rows.get(name)?.peek())), [names])
  useEffect(
    () =>
      answer.subscribe((chosen) => {
        const { when_busy: sent = 'fail', ...rest } = change.peek() ?? { operation }
        if (chosen !== null && chosen !== sent) task.startPreview({ ...rest, when_busy: chosen })
      }),
    [task],
  )
  const isRefused = lines.some(({ error }) => error?.code === 'busy')
  if (!waitingOperations.has(operation) || (asked === undefined && !isAnyBusy && !isRefused)) return null
  const kind = operation === 'archive' || operation === 'restore' ? operation : 'update'
  return html`<${WhenBusyChoice} answer=${answer} kind=${kind} title="Where another action is running" />`
}
