/** A status as icon, label and color, with the active action's elapsed time or the reason. */

import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { activeAction } from '../../client/action-outcome.ts'
import type { FullInfo, LastAction } from '../../domain/schemas.ts'
import type { Tone } from '../../domain/statuses.ts'
import { useApp } from '../app-context.ts'
import { formatDuration } from '../format.ts'
import { ElapsedTimer } from '../ui/elapsed-time.ts'
import { drawing } from '../ui/icon.ts'
import { statusLabel, statusReason } from './status-labels.ts'

/** Each tone has its own shape (drawn in index.html), so that it is recognizable without color. */
export const StatusIcon = ({ tone }: { tone: Tone }): VNode =>
  drawing(`status-icon tone-${tone}`, 12, `i-${tone}`)

/** In a row of the list. */
export function StatusBadge({ info }: { info: FullInfo }): VNode {
  const { label, tone } = statusLabel(info)
  const active = activeAction(info)
  const reason = statusReason(info)
  const isExpected = active !== null && Boolean(active.expected_duration_ms)
  // In the list a row that once had two lines keeps their height, so that the end of an action moves no other row.
  const keepsTwoLines = useRef(false)
  keepsTwoLines.current ||= reason !== null || isExpected
  return html`<span class="status" data-tone=${tone}>
    <${StatusIcon} tone=${tone} />
    <span class="status-text" data-lines=${keepsTwoLines.current ? 2 : 1}>
      <span class="status-label">${label}</span>
      ${active !== null && html`<${ElapsedTimer} key="elapsed" since=${active.started_at ?? active.created_at} />`}
      ${isExpected && html`<${ExpectedDuration} key="expected" action=${active} />`}
      ${reason !== null && html`<span key="reason" class="status-reason" title=${reason}>${reason}</span>`}
    </span>
  </span>`
}

/** Progress against the expected duration: a bar, or text after that time has passed. */
export function ExpectedDuration({ action }: { action: LastAction }): VNode | null {
  const { clock } = useApp()
  const { expected_duration_ms: expectedMs, started_at } = action
  if (!expectedMs) return null
  const progress = started_at === null ? 0 : (clock.now.value - Date.parse(started_at)) / expectedMs
  return html`<span class="status-expected">${progress > 1 ? `longer than usual (${formatDuration(expectedMs)})` : `usually takes ${formatDuration(expectedMs)}`}</span>
    ${progress <= 1 && html`<span class="progress-bar" aria-hidden="true"><div style=${{ width: `${Math.max(0, progress) * 100}%` }}></div></span>`}`
}
