/**
 * At the lower edge of the list: how many deployments are selected, for screen readers too, and the bar of bulk/, which is loaded with the
 * first selection.
 */
import { type ReadonlySignal, useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type AppContext, useApp } from '../../app-context.ts'
import { BulkBar } from '../../parts.ts'
import type { ListState } from '../list-model.ts'
import { countSelected } from './select-all.ts'

type Props = { state: ReadonlySignal<ListState>; children?: ComponentChildren }

/** `children`: are shown above the bar. */
export function SelectionBar({ state, children }: Props): VNode {
  const app = useApp()
  const { selection, bulk } = app
  const { hidden } = useComputed(() => countSelected(state.value, selection.names.value)).value
  const count = selection.names.value.size
  const isUnderWay = bulk.value !== null && bulk.value.run.value !== null && !bulk.value.hasEnded.value
  useEffect(() => {
    const closing = new AbortController()
    document.addEventListener('keydown', (event) => clearOnEscape(event, app), closing)
    return () => closing.abort()
  }, [])
  useEffect(keepAboveBanner, [])
  return html`<div class="selection-bar">
    ${children}
    <p class="visually-hidden" role="status">${count > 0 && `${count.toLocaleString()} selected`}</p>
    ${(count > 0 || isUnderWay) && html`<${BulkBar} hidden=${hidden} />`}
  </div>`
}

/** Not while it closes something else or clears a field. */
function clearOnEscape({ key, target, defaultPrevented }: KeyboardEvent, { selection }: AppContext): void {
  if (key !== 'Escape' || defaultPrevented || document.querySelector('dialog, [role=menu]') !== null) return
  if (target instanceof Element && target.matches('input:not([type=checkbox]), textarea, select')) return
  selection.clear()
}

/** The banner that no runner is connected is at the lower edge too; its height depends on the width. */
function keepAboveBanner(): (() => void) | undefined {
  const banner = document.querySelector('.banner')
  if (banner === null) return undefined
  const resized = new ResizeObserver(() => {
    const { height } = banner.getBoundingClientRect()
    document.documentElement.style.setProperty('--banner-height', `${height}px`)
  })
  resized.observe(banner)
  return () => resized.disconnect()
}
