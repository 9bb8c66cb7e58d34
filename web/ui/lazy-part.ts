/**
 * A part of the page whose code is loaded when it is first shown, or before by `preload`. Shows that it loads, and an error
 * with a button to try again. After a deployment of a new version the files of the old one are gone: the page is then
 * loaded again, once. The parts are listed in parts.ts.
 */
import { signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { ApiError } from '../../client/errors.ts'
import { useApp } from '../app-context.ts'
import { storageKey } from '../base-path.ts'
import { homePath } from '../routes.ts'
import { Dialog } from './dialogs/dialog.ts'
import { ErrorBox } from './error-box.ts'

type Drawing<P> = (props: P) => VNode | null
/** `preload` rejects when the code cannot be loaded; it is then tried again when the part is shown. */
export type LazyPart<P> = Drawing<P> & { preload(): Promise<void> }

/** Where the loading state and the error are drawn: instead of the page, in a dialog above it, or in place. */
type Place = 'page' | 'dialog' | 'inline'

export function lazyPart<P extends object>(place: Place, load: () => Promise<Drawing<P>>): LazyPart<P> {
  const drawing = signal<Drawing<P> | null>(null)
  const failed = signal(false)
  let running: Promise<void> | null = null
  const preload = () => {
    running ??= load()
      .then((loaded) => {
        drawing.value = loaded
      })
      .finally(() => {
        running = null
      })
    return running
  }
  const show = async () => {
    failed.value = false
    try {
      await preload()
    } catch {
      failed.value = !(await reloadForNewVersion())
    }
  }
  function Part(props: P): VNode | null {
    useEffect(() => {
      if (drawing.peek() === null) void show()
    }, [])
    if (drawing.value !== null) return html`<${drawing.value} ...${props} />` as VNode
    if (!failed.value) return html`<${Loading} place=${place} />`
    return html`<${LoadError} place=${place} onRetry=${show} />`
  }
  return Object.assign(Part, { preload })
}

function Loading({ place }: { place: Place }): VNode {
  const text = html`<p class=${`part-loading in-${place}`} role="status">Loading…</p>`
  return place === 'page' ? html`<main class="narrow-page">${text}</main>` : text
}

function LoadError({ place, onRetry }: { place: Place; onRetry: () => void }): VNode {
  const { overlay } = useApp()
  const title = 'A part of the page could not be loaded'
  const hint = 'Check your connection, then try again.'
  const error = new ApiError('unreachable', 'Its file did not arrive.', { hint })
  const box = html`<${ErrorBox} title=${title} error=${error} onRetry=${onRetry} />`
  if (place === 'page') return html`<main class="narrow-page">${box}</main>`
  if (place === 'inline') return box
  const close = () => {
    overlay.value = null
  }
  return html`<${Dialog} variant="modal" label=${title} onClose=${close}>
    ${box}
    <div class="buttons"><button type="button" onClick=${close}>Close</button></div>
  <//>`
}

const reloadedKey = storageKey('octopod.reloaded-for')

/** Loads the page again when the server has a newer one, once for each version. Returns false when it does not. */
async function reloadForNewVersion(): Promise<boolean> {
  const current = document.querySelector('script[type=module]')?.getAttribute('src') ?? ''
  const page = await fetch(homePath, { headers: { Accept: 'text/html' }, cache: 'no-store' })
    .then((response) => response.text())
    .catch(() => '')
  const newest = /<script type="module" src="([^"]+)"/.exec(page)?.[1] ?? current
  if (newest === current || sessionStorage.getItem(reloadedKey) === newest) return false
  sessionStorage.setItem(reloadedKey, newest)
  location.reload()
  return true
}
