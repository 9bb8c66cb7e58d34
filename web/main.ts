/** The entry point of the page: loads /config.json, creates the app context, renders the app. */
import { effect } from '@preact/signals'
import { html } from 'htm/preact'
import { render, type VNode } from 'preact'
import { toApiError } from '../client/errors.ts'
import { fetchPageConfig } from './api/page-config.ts'
import { App } from './app.ts'
import { type AppContext, AppProvider, createAppContext } from './app-context.ts'
import { installKeyboardShortcuts } from './keyboard-shortcuts.ts'
import { preloadParts } from './parts.ts'
import { ErrorBox } from './ui/error-box.ts'

/** The list has been drawn then. */
const idleMs = 500

const root = document.getElementById('app')
if (root !== null) void startPage(root)

async function startPage(container: HTMLElement): Promise<void> {
  try {
    const app = createAppContext(window, await fetchPageConfig())
    reconnectOnWake(app)
    preloadWhenIdle(app)
    installKeyboardShortcuts(app, document)
    draw(container, html`<${AppProvider} value=${app}><${App} /><//>`)
  } catch (error) {
    const retry = () => void startPage(container)
    draw(
      container,
      html`<main class="narrow-page">
        <${ErrorBox} title="Octopod could not start" error=${toApiError(error)} onRetry=${retry} />
      </main>`,
    )
  }
}

/** After the list, so that nothing that is shown first waits. */
function preloadWhenIdle({ sync }: AppContext): void {
  const preload = () => void preloadParts()
  effect(() => {
    if (sync.isComplete.value) setTimeout(preload, idleMs)
  })
}

/** Removes the loading message of index.html. */
function draw(container: HTMLElement, tree: VNode): void {
  if (container.firstElementChild?.className === 'page-loading') container.replaceChildren()
  render(tree, container)
}

/** Reconnects at once after sleep or a lost network, without waiting for a timeout. */
function reconnectOnWake({ live }: AppContext): void {
  window.addEventListener('online', live.reconnectIfStale)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.reconnectIfStale()
  })
}
