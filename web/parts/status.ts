/** A status in word, colour and shape, with what runs and since when, or why it is so. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo, LastAction } from '../../domain/shapes.ts'
import { activeAction, describeStatus, elapsed, type Look, reasonOf, took } from '../words.ts'
import { useWorld } from '../world.ts'
import { picture } from './icon.ts'

/** Full disc, turning ring, half disc, diamond, hollow square, drawn in index.html: told apart without any colour. */
export const Shape = ({ look }: { look: Look }): VNode => picture(`shape ${look}`, 12, `i-${look}`)

/** `brief`: what is said of it elsewhere stays away. */
export function StatusMark({ info, brief }: { info: FullInfo; brief?: boolean }): VNode {
  const { word, look } = describeStatus(info)
  const active = activeAction(info)
  const reason = reasonOf(info)
  return html`<span class="status" data-look=${look}>
    <${Shape} look=${look} />
    <span class="status-words">
      <span class="status-word">${word}</span>
      ${active !== null && html`<${Since} key="since" at=${active.started_at ?? active.created_at} />`}
      ${active !== null && !brief && html`<${Usual} key="usual" action=${active} />`}
      ${reason !== null && html`<span key="reason" class="status-reason">${reason}</span>`}
    </span>
  </span>`
}

/** How far it should be by now. A bar that is full says nothing any more: then words do. */
export function Usual({ action }: { action: LastAction }): VNode | null {
  const { clock } = useWorld()
  const { usual_duration_ms: usualMs, started_at } = action
  if (!usualMs) return null
  const part = started_at === null ? 0 : (clock.second.value - Date.parse(started_at)) / usualMs
  return html`<span class="status-usual">${part > 1 ? 'longer than usual:' : 'usually'} ${took(usualMs)}</span>
    ${part <= 1 && html`<span class="progress" aria-hidden="true"><div style=${{ width: `${Math.max(0, part) * 100}%` }}></div></span>`}`
}

/** Seconds that go on counting. */
export function Since({ at }: { at: string }): VNode {
  const { clock } = useWorld()
  return html`<span class="since">${elapsed(clock.second.value - Date.parse(at))}</span>`
}
