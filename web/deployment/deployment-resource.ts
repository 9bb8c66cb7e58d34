/**
 * Data of the deployment page that the list does not contain: the last check and the actions. Reloaded when
 * the live row changes, and periodically for the age of the check. Created by deployment-page.ts.
 */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { Action, FullInfo, FullInfoWithCheck } from '../../domain/schemas.ts'
import type { AppContext } from '../app-context.ts'

export type LastCheck = FullInfoWithCheck['last_check']
export type FailedScript = NonNullable<FullInfoWithCheck['failed_scripts']>[number]

export type DeploymentResource = {
  /** Null: not loaded yet, or deleted. */
  info: ReadonlySignal<FullInfo | null>
  lastCheck: ReadonlySignal<LastCheck>
  /** When the wait for the health check ends as a failure; null: there is no wait. */
  waitsUntil: ReadonlySignal<string | null>
  failedScripts: ReadonlySignal<readonly FailedScript[]>
  /** Newest first; null until loaded. */
  actions: ReadonlySignal<readonly Action[] | null>
  hasOlder: ReadonlySignal<boolean>
  isLoadingOlder: ReadonlySignal<boolean>
  error: ReadonlySignal<ApiError | null>
  loadOlder(): Promise<void>
  reload(): void
  close(): void
}

const pageSize = 25
const olderPageSize = 100
const refreshIntervalMs = 15_000

export function createDeploymentResource({ client, store }: AppContext, name: string): DeploymentResource {
  const info = computed(() => {
    void store.version.value
    return store.rows.get(name)?.value ?? null
  })
  const lastCheck = signal<LastCheck>(null)
  const waitsUntil = signal<string | null>(null)
  const failedScripts = signal<readonly FailedScript[]>([])
  const actions = signal<readonly Action[] | null>(null)
  const hasOlder = signal(false)
  const isLoadingOlder = signal(false)
  const error = signal<ApiError | null>(null)
  const closing = new AbortController()
  let isLoading = false
  let reloadRequested = false

  const load = async () => {
    reloadRequested = true
    if (isLoading) return
    isLoading = true
    while (reloadRequested && !closing.signal.aborted) {
      reloadRequested = false
      await loadOnce()
    }
    isLoading = false
  }

  const loadOnce = async () => {
    const options = { params: { name }, signal: closing.signal }
    try {
      const [{ last_check, waits_until, failed_scripts, ...deployment }, newest] = await Promise.all([
        client.call('getFullInfo', options),
        client.call('listActions', { ...options, query: { limit: pageSize } }),
      ])
      error.value = null
      lastCheck.value = last_check
      // A server of an earlier version sends neither.
      waitsUntil.value = waits_until ?? null
      failedScripts.value = failed_scripts ?? []
      const oldest = newest.at(-1)?.action_id ?? 0
      const loadedActions = actions.peek() ?? []
      // Without an overlap, actions between the two pages may be missing, so older actions are loaded again.
      const overlaps = loadedActions.some((action) => action.action_id >= oldest)
      if (!overlaps) hasOlder.value = newest.length === pageSize
      actions.value = [
        ...newest,
        ...(overlaps ? loadedActions.filter((action) => action.action_id < oldest) : []),
      ]
      store.apply({ type: 'deployment', name, revision: deployment.revision, deployment })
    } catch (caught) {
      if (!closing.signal.aborted) error.value = toApiError(caught)
    }
  }

  const loadOlder = async () => {
    const oldest = actions.peek()?.at(-1)?.action_id
    if (oldest === undefined || isLoadingOlder.peek()) return
    isLoadingOlder.value = true
    try {
      const query = { limit: olderPageSize, before: oldest }
      const olderActions = await client.call('listActions', {
        params: { name },
        query,
        signal: closing.signal,
      })
      // A reload during the request may have changed the end of the list.
      if (actions.peek()?.at(-1)?.action_id === oldest) {
        hasOlder.value = olderActions.length === olderPageSize
        actions.value = [...(actions.peek() ?? []), ...olderActions]
      }
    } catch (caught) {
      if (!closing.signal.aborted) error.value = toApiError(caught)
    }
    isLoadingOlder.value = false
  }

  const revision = computed(() => info.value?.revision)
  const stop = effect(() => {
    void revision.value
    void load()
  })
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load()
  }, refreshIntervalMs)

  return {
    info,
    lastCheck,
    waitsUntil,
    failedScripts,
    actions,
    hasOlder,
    isLoadingOlder,
    error,
    loadOlder,
    reload: () => void load(),
    close: () => {
      stop()
      clearInterval(timer)
      closing.abort()
    },
  }
}
