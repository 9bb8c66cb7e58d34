/** The root component: top bar, current page, overlay, confirmation and toasts. Rendered by main.ts. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { Component, VNode } from 'preact'
import { ApiError } from '../client/errors.ts'
import { DisplayNameDialog } from './account/display-name-dialog.ts'
import { NoRolePage } from './account/no-role-page.ts'
import { SessionBanner } from './account/session-banner.ts'
import { SignInDialog } from './account/sign-in-dialog.ts'
import { SignInScreen } from './account/sign-in-screen.ts'
import { type AppContext, useApp } from './app-context.ts'
import { ListPage } from './list/list-page.ts'
import { RunnerBanner } from './live/runner-banner.ts'
import { StatusAnnouncer } from './live/status-announcer.ts'
import { NotFound } from './not-found.ts'
import {
  AuditPage,
  BulkDialog,
  ChangeOwnerDialog,
  CloneDialog,
  DeploymentForm,
  DeploymentPage,
  DevicePage,
  DoctorPage,
  LabelsDialog,
  RollbackDialog,
  SessionsDialog,
  TokensPage,
} from './parts.ts'
import { PauseBanner } from './pauses/pause-banner.ts'
import type { Route } from './routes.ts'
import { ShortcutsDialog } from './shortcuts-dialog.ts'
import { TokenBanner } from './tokens/token-banner.ts'
import { TopBar } from './top-bar.ts'
import { ConfirmDialog } from './ui/dialogs/confirm-dialog.ts'
import { ErrorBox } from './ui/error-box.ts'
import { ToastList } from './ui/toast-list.ts'

export function App(): VNode {
  return html`<a class="skip-link" href="#content">Skip to content</a>
    <${TopBar} />
    <${SessionBanner} />
    <${PauseBanner} />
    <${TokenBanner} />
    <div id="content" tabindex="-1"><${ErrorBoundary} /></div>
    <${Overlay} />
    <${SignInDialog} />
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
  const error = new ApiError('failed', String(failure.value.thrown), { hint })
  return html`<main class="narrow-page">
    <${ErrorBox} title="Something went wrong on this page" error=${error} onRetry=${() => location.reload()} />
  </main>`
}

function CurrentPage(): VNode {
  const { router, identity, sync } = useApp()
  const route = router.route.value
  const access = identity.access.value
  const who = identity.who.value
  if (route.page === 'sign-in') return html`<${SignInScreen} search=${route.search} />`
  if (access === 'signed_out') return html`<${SignInScreen} search=${null} />`
  if (access === 'no_role' && who !== null) return html`<${NoRolePage} who=${who} />`
  // The next answer says whether this is the sign-in screen.
  if (access === 'loading' && sync.error.value?.status === 401) return html`<main></main>`
  // A token needs somebody as whom it acts.
  if (route.page === 'device')
    return who?.proof === 'anonymous'
      ? html`<${SignInScreen} search=${null} />`
      : html`<${DevicePage} search=${route.search} />`
  if (route.page === 'audit') return html`<${AuditPage} key="audit" search=${route.search} />`
  if (route.page === 'doctor') return html`<${DoctorPage} />`
  if (route.page === 'tokens') return html`<${TokensPage} search=${route.search} />`
  if (route.page === 'list') return html`<${ListPage} key="list" search=${route.search} />`
  if (route.page === 'deployment') return html`<${DeploymentPage} key=${route.name} name=${route.name} />`
  return html`<${NotFound} title="Page not found" text=${`There is no page at ${route.path}.`} />`
}

function Overlay(): VNode | null {
  const app = useApp()
  useRestoredForm(app)
  const overlay = app.overlay.value
  if (overlay === null) return null
  if (overlay.type === 'change-owner') return html`<${ChangeOwnerDialog} name=${overlay.name} />`
  if (overlay.type === 'rollback')
    return html`<${RollbackDialog} name=${overlay.name} actionId=${overlay.actionId} />`
  if (overlay.type === 'clone') return html`<${CloneDialog} name=${overlay.name} />`
  if (overlay.type === 'labels') return html`<${LabelsDialog} name=${overlay.name} />`
  if (overlay.type === 'bulk') return html`<${BulkDialog} />`
  if (overlay.type === 'sessions') return html`<${SessionsDialog} />`
  if (overlay.type === 'display-name') return html`<${DisplayNameDialog} />`
  if (overlay.type === 'shortcuts') return html`<${ShortcutsDialog} />`
  if (overlay.type === 'edit-config') return html`<${DeploymentForm} name=${overlay.name} />`
  return html`<${DeploymentForm} name=${null} newName=${overlay.name} />`
}

/** Opens the form again whose input was kept while the browser was at the identity provider. */
function useRestoredForm({ formDrafts, identity, sync, store, overlay, toasts }: AppContext): void {
  useSignalEffect(() => {
    const draft = formDrafts.peek()
    if (draft === null || identity.access.value !== 'granted' || !(draft.isNew || sync.isComplete.value))
      return
    if (!draft.isNew && !store.rows.has(draft.name)) {
      formDrafts.take()
      return toasts.showSuccess(`${draft.name} was deleted, so its form is closed.`)
    }
    overlay.value ??= draft.isNew ? { type: 'new-deployment' } : { type: 'edit-config', name: draft.name }
  })
}
