/** A time as people say it, the exact one on hover. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { ago } from '../words.ts'
import { useWorld } from '../world.ts'

export function Ago({ at }: { at: string }): VNode {
  const { clock } = useWorld()
  const time = Date.parse(at)
  return html`<time dateTime=${at} title=${new Date(time).toLocaleString()}>${ago(time, clock.moment.value)}</time>`
}
