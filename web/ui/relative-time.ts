/** A relative time such as "5 min ago"; the tooltip has the exact time. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { formatRelative } from '../format.ts'

export function RelativeTime({ time }: { time: string }): VNode {
  const { clock } = useApp()
  const timeMs = Date.parse(time)
  return html`<time dateTime=${time} title=${new Date(timeMs).toLocaleString()}>${formatRelative(timeMs, clock.coarseNow.value)}</time>`
}
