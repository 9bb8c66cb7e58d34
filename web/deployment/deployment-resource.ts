/**
 * One deployment followed closely: its last check and its actions, which the list does not carry. Asked again when the
 * live row changes, and now and then for the age of the check. Opened by pages/deployment.ts.
 */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import type { Action, FullInfo, FullInfoWithCheck } from '../../domain/schemas.ts'
import { type ApiError, toApiError } from '../api/errors.ts'
import type { AppContext } from '../app-context.ts'

export type LastCheck = FullInfoWithCheck['last_check']

export type DeploymentResource = {
  /** Null: not known, yet or any more. */
  info: ReadonlySignal<FullInfo | null>
  lastCheck: ReadonlySignal<LastCheck>
  /** Newest first; null until they are there. */
  actions: ReadonlySignal<readonly Action[] | null>
  hasOlder: ReadonlySignal<boolean>
  loadingOlder: ReadonlySignal<boolean>
  problem: ReadonlySignal<ApiError | null>
  loadOlder(): Promise<void>
  reload(): void
  close(): void
}

const pageSize = 25
const olderPageSize = 100
const refreshMs = 15_000

export function createDeploymentResource({ client, store }: AppContext, name: string): DeploymentResource {
  const info = computed(() => {
    void store.version.value
    return store.rows.get(name)?.value ?? null
  })
  const lastCheck = signal<LastCheck>(null)
  const actions = signal<readonly Action[] | null>(null)
  const hasOlder = signal(false)
  const loadingOlder = signal(false)
  const problem = signal<ApiError | null>(null)
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
      const [{ last_check, ...deployment }, newest] = await Promise.all([
        client.call('getFullInfo', options),
        client.call('listActions', { ...options, query: { limit: pageSize } }),
      ])
      problem.value = null
      lastCheck.value = last_check
      const oldest = newest.at(-1)?.action_id ?? 0
      const loadedActions = actions.peek() ?? []
      // Without a common action there may be a hole between them: what is older is asked for anew.
      const overlaps = loadedActions.some((action) => action.action_id >= oldest)
      if (!overlaps) hasOlder.value = newest.length === pageSize
      actions.value = [
        ...newest,
        ...(overlaps ? loadedActions.filter((action) => action.action_id < oldest) : []),
      ]
      store.apply({ type: 'deployment', name, revision: deployment.revision, deployment })
    } catch (error) {
      if (!closing.signal.aborted) problem.value = toApiError(error)
    }
  }

  const loadOlder = async () => {
    const oldest = actions.peek()?.at(-1)?.action_id
    if (oldest === undefined || loadingOlder.peek()) return
    loadingOlder.value = true
    try {
      const query = { limit: olderPageSize, before: oldest }
      const more = await client.call('listActions', { params: { name }, query, signal: closing.signal })
      // What was loaded anew meanwhile may end elsewhere.
      if (actions.peek()?.at(-1)?.action_id === oldest) {
        hasOlder.value = more.length === olderPageSize
        actions.value = [...(actions.peek() ?? []), ...more]
      }
    } catch (error) {
      if (!closing.signal.aborted) problem.value = toApiError(error)
    }
    loadingOlder.value = false
  }

  const revision = computed(() => info.value?.revision)
  const stop = effect(() => {
    void revision.value
    void load()
  })
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load()
  }, refreshMs)

  return {
    info,
    lastCheck,
    actions,
    hasOlder,
    loadingOlder,
    problem,
    loadOlder,
    reload: () => void load(),
    close: () => {
      stop()
      clearInterval(timer)
      closing.abort()
    },
  }
}
