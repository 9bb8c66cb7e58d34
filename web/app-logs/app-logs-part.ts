/** The logs of the app on the page of a deployment: their code is loaded when somebody opens them. Drawn by deployment-page.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { lazyPart } from '../ui/lazy-part.ts'

const AppLogViewer = lazyPart('inline', async () => (await import('./app-log-viewer.ts')).AppLogViewer)

/** Nothing where there is no app_logs script, or for a caller who may not read output. */
export function AppLogs({ name }: { name: string }): VNode | null {
  const { identity } = useApp()
  const isOpen = useSignal(false)
  if (identity.who.value?.has_app_logs !== true || identity.mayReadOutput(name) !== true) return null
  const toggle = () => {
    isOpen.value = !isOpen.value
  }
  return html`<section class="card app-logs" aria-labelledby="app-logs-title">
    <header class="card-header">
      <h2 id="app-logs-title">App logs</h2>
      <button type="button" aria-expanded=${isOpen.value} onClick=${toggle}>${isOpen.value ? 'Hide' : 'Show'}</button>
    </header>
    ${isOpen.value && html`<${AppLogViewer} key=${name} name=${name} />`}
  </section>`
}
