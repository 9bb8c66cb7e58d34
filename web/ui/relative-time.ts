/** A relative time such as "5 min ago". The exact time is in the tooltip, and on the pages of one thing one press away. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { formatExact, formatRelative } from '../format.ts'

export function RelativeTime({ time }: { time: string }): VNode {
  const { clock } = useApp()
  return html`<time dateTime=${time} title=${formatExact(time)}>${formatRelative(Date.parse(time), clock.coarseNow.value)}</time>`
}

/** A time that is relative or exact. Pressing any of them changes all on the page: a touch screen has no tooltips. */
export function TimeButton({ time }: { time: string }): VNode {
  const { exactTimes } = useApp()
  return html`<button
    type="button"
    class="time-button"
    title=${exactTimes.value ? 'Show relative times' : `${formatExact(time)}. Press to show exact times.`}
    onClick=${() => {
      exactTimes.value = !exactTimes.value
    }}
  >
    ${exactTimes.value ? html`<time dateTime=${time}>${formatExact(time)}</time>` : html`<${RelativeTime} time=${time} />`}
  </button>`
}
