/** A time as people say it, the exact one on hover. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { formatRelative } from '../format.ts'

export function RelativeTime({ at }: { at: string }): VNode {
  const { clock } = useApp()
  const time = Date.parse(at)
  return html`<time dateTime=${at} title=${new Date(time).toLocaleString()}>${formatRelative(time, clock.coarseNow.value)}</time>`
}
