/** Starts the page: asks for /config.json, opens the world, draws the app. The entry of the bundle. */
import { html } from 'htm/preact'
import { render, type VNode } from 'preact'
import { toApiError } from './api/errors.ts'
import { fetchPageConfig } from './api/page-config.ts'
import { App } from './app.ts'
import { type AppContext, AppProvider, createAppContext } from './app-context.ts'
import { installKeyboardShortcuts } from './keyboard-shortcuts.ts'
import { ErrorBox } from './ui/error-box.ts'

const root = document.getElementById('app')
if (root !== null) void startPage(root)

async function startPage(container: HTMLElement): Promise<void> {
  try {
    const app = createAppContext(window, await fetchPageConfig())
    reconnectOnWake(app)
    installKeyboardShortcuts(app, document)
    draw(container, html`<${AppProvider} value=${app}><${App} /><//>`)
  } catch (error) {
    const retry = () => void startPage(container)
    draw(
      container,
      html`<main class="narrow">
        <${ErrorBox} title="Octopod could not start" problem=${toApiError(error)} again=${retry} />
      </main>`,
    )
  }
}

/** What stands in index.html until now goes. */
function draw(container: HTMLElement, tree: VNode): void {
  if (container.firstElementChild?.className === 'starting') container.replaceChildren()
  render(tree, container)
}

/** After sleep or a lost network nobody wants to wait for a time-out. */
function reconnectOnWake({ live }: AppContext): void {
  window.addEventListener('online', live.reconnectIfStale)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.reconnectIfStale()
  })
}
