/**
 * The shared objects of the page: session, API client, store, live connection, router and others. Created
 * once by main.ts and passed to components by context.
 */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { createSession, loadIdentity, type Session } from './account/session.ts'
import { type ApiClient, createClient } from './api/client.ts'
import type { PageConfig } from './api/page-config.ts'
import { createDeploymentStore, type DeploymentStore } from './live/deployment-store.ts'
import { createListSync, type ListSync } from './live/list-sync.ts'
import { type LiveConnection, openLiveConnection } from './live/live-connection.ts'
import { createServerClock, type ServerClock } from './live/server-clock.ts'
import { explainFailure, openWebSocket } from './live/websocket.ts'
import { createRouter, type Router } from './routes.ts'
import { type ConfirmController, createConfirmController } from './ui/dialogs/confirm.ts'
import { createToasts, type Toasts } from './ui/toasts.ts'

/** The panel or dialog above the page; null: none. */
export type Overlay =
  | { type: 'new-deployment' }
  | { type: 'edit-config'; name: string }
  | { type: 'sign-in' }
  | { type: 'display-name' }
  | { type: 'shortcuts' }
  | null

export type AppContext = {
  config: PageConfig
  session: Session
  client: ApiClient
  store: DeploymentStore
  sync: ListSync
  live: LiveConnection
  clock: ServerClock
  router: Router
  confirmations: ConfirmController
  toasts: Toasts
  overlay: Signal<Overlay>
  /** True while a form has unsaved input. */
  hasUnsavedChanges: Signal<boolean>
  /** Resolves with true when nothing is unsaved or the user discards it. */
  confirmLeave(): Promise<boolean>
  projectName: ReadonlySignal<string>
  /** Names of deployments that the user acts on. Their rows move in the list at once. */
  ownChanges: Set<string>
}

export function createAppContext(window: Window, config: PageConfig): AppContext {
  const clock = createServerClock()
  const session = createSession(window, config.app_auth)
  const client = createClient(
    () => session.authorization.peek(),
    (response) => clock.syncWithServer(response.headers.get('date')),
    () => (session.actorFromServer.value === null ? session.displayName.value : ''),
    session.reloadDefaultCredential,
  )
  const store = createDeploymentStore()
  const sync = createListSync(client, store)
  const confirmations = createConfirmController()
  const overlay = signal<Overlay>(null)
  const hasUnsavedChanges = signal(false)
  const confirmLeave = async () => {
    const mayClose = !hasUnsavedChanges.peek() || (await confirmations.confirm(discardConfirmation))
    if (mayClose) {
      hasUnsavedChanges.value = false
      overlay.value = null
    }
    return mayClose
  }
  const live = openLiveConnection({
    connect: () => openWebSocket(window.location, session.authorization.peek()),
    apply: store.apply,
    refresh: sync.refresh,
    explainFailure: () => explainFailure(window.location),
  })
  const projectName = signal('')
  const reloadIdentity = () =>
    loadIdentity(client, session).then(
      ({ project }) => {
        projectName.value = project
      },
      () => {
        session.canReadOutput.value ??= false
      },
    )
  void reloadIdentity()
  // A different credential may have access to other data.
  let previousAuthorization = session.authorization.peek()
  session.authorization.subscribe((authorization) => {
    if (authorization === previousAuthorization) return
    previousAuthorization = authorization
    live.reconnect()
    void reloadIdentity()
  })
  void sync.refresh()
  const router = createRouter(window, confirmLeave)
  const toasts = createToasts()
  return {
    config,
    session,
    client,
    store,
    sync,
    live,
    clock,
    router,
    confirmations,
    toasts,
    overlay,
    hasUnsavedChanges,
    confirmLeave,
    projectName,
    ownChanges: new Set(),
  }
}

const discardConfirmation = {
  title: 'Leave without saving?',
  text: 'Your changes in this form are not saved.',
  confirmLabel: 'Discard changes',
  cancelLabel: 'Keep editing',
  danger: true,
}

const Context = createContext<AppContext | null>(null)
export const AppProvider = Context.Provider

export const useApp = (): AppContext => useContext(Context) as AppContext
