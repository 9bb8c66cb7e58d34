/** A status in word, colour and shape, with what runs and since when, or why it is so. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo } from '../../domain/shapes.ts'
import { activeAction, describeStatus, elapsed, type Look, reasonOf } from '../words.ts'
import { useWorld } from '../world.ts'

/** Full disc, turning ring, half disc, diamond, hollow square: told apart without any colour. */
const shapes: Record<Look, VNode> = {
  good: html`<circle cx="6" cy="6" r="4.5" fill="currentColor" />`,
  busy: html`<g class="turning">
    <circle cx="6" cy="6" r="4.25" opacity="0.3" /><path d="M6 1.75A4.25 4.25 0 0 1 10.25 6" />
  </g>`,
  partial: html`<g><circle cx="6" cy="6" r="4.25" /><path d="M6 1.75a4.25 4.25 0 0 0 0 8.5z" fill="currentColor" /></g>`,
  bad: html`<path d="M6 .9 11.1 6 6 11.1.9 6z" fill="currentColor" />`,
  away: html`<rect x="2" y="2" width="8" height="8" rx="1.5" />`,
}

export function Shape({ look }: { look: Look }): VNode {
  return html`<svg class="shape" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">${shapes[look]}</svg>`
}

export function StatusMark({ info }: { info: FullInfo }): VNode {
  const { word, look } = describeStatus(info)
  const active = activeAction(info)
  const reason = reasonOf(info)
  return html`<span class="status" data-look=${look}>
    <${Shape} look=${look} />
    <span class="status-words">
      <span class="status-word">${word}</span>
      ${active !== null && html`<${Since} key="since" at=${active.started_at ?? active.created_at} />`}
      ${reason !== null && html`<span key="reason" class="status-reason">${reason}</span>`}
    </span>
  </span>`
}

/** Seconds that go on counting. */
export function Since({ at }: { at: string }): VNode {
  const { clock } = useWorld()
  return html`<span class="since">${elapsed(clock.second.value - Date.parse(at))}</span>`
}
