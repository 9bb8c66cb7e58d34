/**
 * One deployment followed closely: its last check and its actions, which the list does not carry. Asked again when the
 * live row changes, and now and then for the age of the check. Opened by pages/deployment.ts.
 */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import type { Action, FullInfo, FullInfoWithCheck } from '../domain/shapes.ts'
import { type Problem, problemOfError } from './problem.ts'
import type { World } from './world.ts'

export type LastCheck = FullInfoWithCheck['last_check']

export type Following = {
  /** Null: not known, yet or any more. */
  info: ReadonlySignal<FullInfo | null>
  lastCheck: ReadonlySignal<LastCheck>
  /** Newest first; null until they are there. */
  actions: ReadonlySignal<readonly Action[] | null>
  hasOlder: ReadonlySignal<boolean>
  loadingOlder: ReadonlySignal<boolean>
  problem: ReadonlySignal<Problem | null>
  older(): Promise<void>
  again(): void
  close(): void
}

const pageSize = 25
const olderSize = 100
const refreshMs = 15_000

export function follow({ client, store }: World, name: string): Following {
  const info = computed(() => {
    void store.changes.value
    return store.rows.get(name)?.value ?? null
  })
  const lastCheck = signal<LastCheck>(null)
  const actions = signal<readonly Action[] | null>(null)
  const hasOlder = signal(false)
  const loadingOlder = signal(false)
  const problem = signal<Problem | null>(null)
  const leaving = new AbortController()
  let running = false
  let wanted = false

  const load = async () => {
    wanted = true
    if (running) return
    running = true
    while (wanted && !leaving.signal.aborted) {
      wanted = false
      await loadOnce()
    }
    running = false
  }

  const loadOnce = async () => {
    const options = { params: { name }, signal: leaving.signal }
    try {
      const [{ last_check, ...deployment }, newest] = await Promise.all([
        client.ask('getFullInfo', options),
        client.ask('listActions', { ...options, query: { limit: pageSize } }),
      ])
      problem.value = null
      lastCheck.value = last_check
      const oldest = newest.at(-1)?.action_id ?? 0
      const known = actions.peek() ?? []
      // Without a common action there may be a hole between them: what is older is asked for anew.
      const joined = known.some((action) => action.action_id >= oldest)
      if (!joined) hasOlder.value = newest.length === pageSize
      actions.value = [...newest, ...(joined ? known.filter((action) => action.action_id < oldest) : [])]
      store.apply({ type: 'deployment', name, revision: deployment.revision, deployment })
    } catch (error) {
      if (!leaving.signal.aborted) problem.value = problemOfError(error)
    }
  }

  const older = async () => {
    const oldest = actions.peek()?.at(-1)?.action_id
    if (oldest === undefined || loadingOlder.peek()) return
    loadingOlder.value = true
    try {
      const query = { limit: olderSize, before: oldest }
      const more = await client.ask('listActions', { params: { name }, query, signal: leaving.signal })
      // What was loaded anew meanwhile may end elsewhere.
      if (actions.peek()?.at(-1)?.action_id === oldest) {
        hasOlder.value = more.length === olderSize
        actions.value = [...(actions.peek() ?? []), ...more]
      }
    } catch (error) {
      if (!leaving.signal.aborted) problem.value = problemOfError(error)
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
    older,
    again: () => void load(),
    close: () => {
      stop()
      clearInterval(timer)
      leaving.abort()
    },
  }
}
