/** Eight pods in a ring, one of them yours. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

const pods = Array.from({ length: 8 }, (_, at) => {
  const angle = (at * Math.PI) / 4
  return { x: 12 + 8.2 * Math.sin(angle), y: 12 - 8.2 * Math.cos(angle) }
})

export function Logo(): VNode {
  return html`<svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    ${pods.map(({ x, y }, at) => html`<circle key=${at} cx=${x.toFixed(2)} cy=${y.toFixed(2)} r=${at === 1 ? 3.1 : 2.1} class=${at === 1 ? 'yours' : ''} />`)}
  </svg>`
}
