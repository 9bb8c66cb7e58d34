/** A status in word, colour and shape, with what runs and since when, or why it is so. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo, LastAction } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import {
  activeAction,
  formatDuration,
  formatElapsed,
  statusLabel,
  statusReason,
  type Tone,
} from '../format.ts'
import { drawing } from '../ui/icon.ts'

/** Full disc, turning ring, half disc, diamond, hollow square, drawn in index.html: told apart without any colour. */
export const StatusIcon = ({ look }: { look: Tone }): VNode => drawing(`shape ${look}`, 12, `i-${look}`)

/** `brief`: what is said of it elsewhere stays away. */
export function StatusBadge({ info, brief }: { info: FullInfo; brief?: boolean }): VNode {
  const { label, tone } = statusLabel(info)
  const active = activeAction(info)
  const reason = statusReason(info)
  return html`<span class="status" data-look=${tone}>
    <${StatusIcon} look=${tone} />
    <span class="status-words">
      <span class="status-word">${label}</span>
      ${active !== null && html`<${ElapsedTimer} key="since" at=${active.started_at ?? active.created_at} />`}
      ${active !== null && !brief && html`<${ExpectedDuration} key="usual" action=${active} />`}
      ${reason !== null && html`<span key="reason" class="status-reason">${reason}</span>`}
    </span>
  </span>`
}

/** How far it should be by now. A bar that is full says nothing any more: then words do. */
export function ExpectedDuration({ action }: { action: LastAction }): VNode | null {
  const { clock } = useApp()
  const { usual_duration_ms: expectedMs, started_at } = action
  if (!expectedMs) return null
  const progress = started_at === null ? 0 : (clock.now.value - Date.parse(started_at)) / expectedMs
  return html`<span class="status-usual">${progress > 1 ? 'longer than usual:' : 'usually'} ${formatDuration(expectedMs)}</span>
    ${progress <= 1 && html`<span class="progress" aria-hidden="true"><div style=${{ width: `${Math.max(0, progress) * 100}%` }}></div></span>`}`
}

/** Seconds that go on counting. */
export function ElapsedTimer({ at }: { at: string }): VNode {
  const { clock } = useApp()
  return html`<span class="since">${formatElapsed(clock.now.value - Date.parse(at))}</span>`
}
