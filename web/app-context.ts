/**
 * The shared objects of the page: session, API client, store, live connection, router and others. Created
 * once by main.ts and passed to components by context.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ApiClient } from '../client/call-endpoint.ts'
import type { Pause } from '../domain/pauses/pause.ts'
import { createIdentity, type Identity } from './account/identity.ts'
import { createSession, type Session } from './account/session.ts'
import { shareIdentity } from './account/tabs.ts'
import { createClient } from './api/client.ts'
import type { PageConfig } from './api/page-config.ts'
import type { BulkTask } from './bulk/bulk-task.ts'
import { createFormDraftStore, type FormDraftStore } from './form/form-draft.ts'
import { createSelection, type Selection } from './list/selection/selection.ts'
import { createDeploymentStore, type DeploymentStore } from './live/deployment-store.ts'
import { createListSync, type ListSync } from './live/list-sync.ts'
import { type LiveConnection, openLiveConnection } from './live/live-connection.ts'
import { createServerClock, type ServerClock } from './live/server-clock.ts'
import { explainFailure, openWebSocket } from './live/websocket.ts'
import { createKnownPauses } from './pauses/known-pauses.ts'
import { createRouter, type Router } from './routes.ts'
import { createTokenNotices, type TokenNotices } from './tokens/token-notices.ts'
import { type ConfirmController, createConfirmController } from './ui/dialogs/confirm.ts'
import { createToasts, type Toasts } from './ui/toasts.ts'

/** The panel or dialog above the page; null: none. */
export type Overlay =
  /** `name`: entered already. */
  | { type: 'new-deployment'; name?: string }
  | { type: 'edit-config'; name: string }
  | { type: 'change-owner'; name: string }
  | { type: 'rollback'; name: string; actionId: number }
  | { type: 'clone'; name: string }
  | { type: 'labels'; name: string }
  /** Shows `bulk`. */
  | { type: 'bulk' }
  | { type: 'sessions' }
  | { type: 'display-name' }
  | { type: 'shortcuts' }
  | null

export type AppContext = {
  config: PageConfig
  session: Session
  identity: Identity
  client: ApiClient
  store: DeploymentStore
  sync: ListSync
  live: LiveConnection
  /** What is paused for all deployments. */
  pauses: ReadonlySignal<readonly Pause[]>
  clock: ServerClock
  router: Router
  confirmations: ConfirmController
  toasts: Toasts
  overlay: Signal<Overlay>
  /** Above the overlay, so that a form stays open while somebody signs in. */
  signInOpen: Signal<boolean>
  /** Keeps the input of a form while the browser is at the identity provider. */
  formDrafts: FormDraftStore
  /** True while a form has unsaved input. */
  hasUnsavedChanges: Signal<boolean>
  /** Resolves with true when nothing is unsaved or the user discards it. */
  confirmLeave(): Promise<boolean>
  /** The own access tokens that end within a week. */
  tokenNotices: TokenNotices
  projectName: ReadonlySignal<string>
  /** Names of deployments that the user acts on. Their rows move in the list at once. */
  ownChanges: Set<string>
  selection: Selection
  /** The change of many deployments that is prepared, under way or has ended; null: none. */
  bulk: Signal<BulkTask | null>
  /** Whether times are shown exactly instead of relatively. */
  exactTimes: Signal<boolean>
}

/** Several changes within this time are drawn together: nobody sees the difference. */
const drawIntervalMs = 100

export function createAppContext(window: Window, config: PageConfig): AppContext {
  const clock = createServerClock()
  const session = createSession(window, config)
  const client = createClient(
    () => session.authorization.peek(),
    (response) => clock.syncWithServer(response.headers.get('date')),
    () => (identity.usesDisplayName.peek() ? session.displayName.peek() : ''),
    async (error, refused) => {
      if (error.code === 'session_ended') void identity.sessionEnded()
      else if (await session.reloadDefaultCredential(refused)) return true
      else void identity.reload()
      return false
    },
  )
  const identity = createIdentity(client, session)
  const store = createDeploymentStore(drawIntervalMs)
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
    listView: sync.view,
    onRefused: () => void identity.reload(),
    onRightsChanged: () => void identity.reload(),
    explainFailure: () => explainFailure(window.location),
  })
  void identity.reload()
  followIdentity({ identity, live, sync, session })
  shareIdentity(window, session, identity)
  void sync.refresh()
  const router = createRouter(window, confirmLeave)
  const toasts = createToasts()
  return {
    config,
    session,
    identity,
    client,
    store,
    sync,
    live,
    pauses: createKnownPauses(client, live, sync),
    clock,
    router,
    confirmations,
    toasts,
    overlay,
    signInOpen: signal(false),
    formDrafts: createFormDraftStore(window.sessionStorage),
    hasUnsavedChanges,
    confirmLeave,
    tokenNotices: createTokenNotices(client, identity, clock, window.localStorage),
    projectName: computed(() => identity.who.value?.project ?? config.project_name ?? ''),
    ownChanges: new Set(),
    selection: createSelection(store),
    bulk: signal(null),
    exactTimes: signal(false),
  }
}

/** Somebody else has other data. Without a right to read there is nothing to connect to. */
function followIdentity({
  identity,
  live,
  sync,
  session,
}: Pick<AppContext, 'identity' | 'live' | 'sync' | 'session'>): void {
  let previous: string | null = null
  effect(() => {
    const access = identity.access.value
    const key = `${access} ${identity.key.value} ${session.tabCredential.value}`
    if (access === 'loading' || access === 'failed') return
    const isOther = previous !== null && previous !== key
    previous = key
    if (access !== 'granted') return live.suspend()
    // The first requests of the page had the cookie of a session that has ended.
    if (isOther || sync.error.peek()?.code === 'session_ended') live.reconnect()
  })
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
