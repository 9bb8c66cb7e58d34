/** The root component: top bar, current page, overlay, confirmation and toasts. Rendered by main.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { Component, VNode } from 'preact'
import { DisplayNameDialog } from './account/display-name-dialog.ts'
import { SignInDialog } from './account/sign-in-dialog.ts'
import { ApiError } from './api/errors.ts'
import { useApp } from './app-context.ts'
import { DeploymentPage } from './deployment/deployment-page.ts'
import { DeploymentForm } from './form/deployment-form.ts'
import { ListPage } from './list/list-page.ts'
import { RunnerBanner } from './live/runner-banner.ts'
import { StatusAnnouncer } from './live/status-announcer.ts'
import { NotFound } from './not-found.ts'
import type { Route } from './routes.ts'
import { ShortcutsDialog } from './shortcuts-dialog.ts'
import { TopBar } from './top-bar.ts'
import { ConfirmDialog } from './ui/dialogs/confirm-dialog.ts'
import { ErrorBox } from './ui/error-box.ts'
import { ToastList } from './ui/toast-list.ts'

export function App(): VNode {
  return html`<a class="skip-link" href="#content">Skip to content</a>
    <${TopBar} />
    <div id="content" tabindex="-1"><${ErrorBoundary} /></div>
    <${Overlay} />
    <${ConfirmDialog} />
    <${RunnerBanner} />
    <${StatusAnnouncer} />
    <${ToastList} />`
}

/** Shows an error message when a component throws; navigation to another page recovers. */
function ErrorBoundary(this: Component): VNode {
  const { router } = useApp()
  const route = router.route.value
  const failure = useSignal<{ thrown: unknown; route: Route } | null>(null)
  this.componentDidCatch = (thrown: unknown) => {
    failure.value = { thrown, route }
  }
  if (failure.value?.route !== route) return html`<${CurrentPage} />`
  const hint = 'Reload the page. If the problem persists, report it.'
  const error = new ApiError(String(failure.value.thrown), 0, null, hint)
  return html`<main class="narrow-page">
    <${ErrorBox} title="Something went wrong on this page" error=${error} onRetry=${() => location.reload()} />
  </main>`
}

function CurrentPage(): VNode {
  const { router } = useApp()
  const route = router.route.value
  if (route.page === 'list') return html`<${ListPage} key="list" search=${route.search} />`
  if (route.page === 'deployment') return html`<${DeploymentPage} key=${route.name} name=${route.name} />`
  return html`<${NotFound} title="Page not found" text=${`There is no page at ${route.path}.`} />`
}

function Overlay(): VNode | null {
  const overlay = useApp().overlay.value
  if (overlay === null) return null
  if (overlay.type === 'sign-in') return html`<${SignInDialog} />`
  if (overlay.type === 'display-name') return html`<${DisplayNameDialog} />`
  if (overlay.type === 'shortcuts') return html`<${ShortcutsDialog} />`
  return html`<${DeploymentForm} name=${overlay.type === 'edit-config' ? overlay.name : null} />`
}
