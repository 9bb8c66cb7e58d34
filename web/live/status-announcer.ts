/**
 * Announces status changes to screen readers in one polite live region. Changes within a second are one announcement, and
 * many become a number. Progress is not announced. Drawn once by app.ts.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { FullInfo } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { statusLabel } from '../deployment/status-labels.ts'
import { pluralize } from '../format.ts'
import type { DeploymentStore } from './deployment-store.ts'

const collectMs = 1000
/** More changes are announced as a number. */
const maxNamed = 3

export function StatusAnnouncer(): VNode {
  const { store, sync, router } = useApp()
  const text = useSignal('')
  useEffect(() => {
    /** On the page of a deployment only its changes are announced. */
    const isAnnounced = (name: string) => {
      const route = router.route.peek()
      return sync.isComplete.peek() && (route.page !== 'deployment' || route.name === name)
    }
    return announceStatuses(store, isAnnounced, (announcement) => {
      text.value = announcement
    })
  }, [])
  return html`<div class="visually-hidden" role="status" aria-live="polite" data-announcer>${text.value}</div>`
}

/** Calls `announce` with the changes of the last second. Returns the function that stops it. */
export function announceStatuses(
  store: DeploymentStore,
  isAnnounced: (name: string) => boolean,
  announce: (text: string) => void,
): () => void {
  const labels = new Map<string, string>()
  let changed = new Map<string, string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    timer = undefined
    announce(describeChanges(changed))
    changed = new Map()
  }
  const onChange = (name: string) => {
    const info: FullInfo | undefined = store.rows.get(name)?.peek()
    const before = labels.get(name)
    const label = info === undefined ? 'Deleted' : statusLabel(info).label
    if (info === undefined) labels.delete(name)
    else labels.set(name, label)
    if (label === before || !isAnnounced(name)) return
    changed.set(name, label)
    timer ??= setTimeout(flush, collectMs)
  }
  for (const [name, row] of store.rows) labels.set(name, statusLabel(row.peek()).label)
  const stop = store.onChange((names) => names.forEach(onChange))
  return () => {
    stop()
    clearTimeout(timer)
  }
}

/** `shop: Running. blog: Failing.`, or `5 deployments changed their status.` */
export function describeChanges(changed: ReadonlyMap<string, string>): string {
  if (changed.size > maxNamed) return `${pluralize(changed.size, 'deployment')} changed their status.`
  return [...changed].map(([name, label]) => `${name}: ${label}.`).join(' ')
}
