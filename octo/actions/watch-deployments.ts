/**
 * Keeps the deployments of client/deployment-store.ts up to date for `octo watch`: applies change events, and fetches the list after
 * every gap. Called by commands/deployments/watch.ts.
 */
import { createDeploymentStore, type DeploymentStore } from '../../client/deployment-store.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { delay } from '../../lib/delay.ts'
import { openLiveConnection } from '../api/live-connection.ts'
import type { ApiClient } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'

type WatchOptions = {
  /** Compared with performance.now(). */
  deadlineMs: number
  onChange: (change: ChangeEvent) => Promise<void>
  /**
   * Called after a batch of changes, and when the state of the connection has changed. Null: no list was received yet.
   */
  onUpdate?: (deployments: FullInfo[] | null, isLive: boolean) => Promise<void>
  /** Called once for each period without a response. */
  onServerDown?: (failure: CliError) => void
  /** `live`: while the websocket is connected. */
  pollIntervalMs?: { live: number; offline: number }
}

/** Returns at the deadline. Throws errors that a retry does not cure, such as a missing permission. */
export async function watchDeployments(client: ApiClient, options: WatchOptions): Promise<void> {
  const { pollIntervalMs = { live: 60_000, offline: 3000 } } = options
  const store = createDeploymentStore()
  const changes: ChangeEvent[] = []
  let wakeUp = () => {}
  let needsRefetch = true
  const connection = openLiveConnection(client, {
    onEvent: (event) => {
      if (event.type === 'refresh') needsRefetch = true
      else if (store.apply(event)) changes.push(event)
      wakeUp()
    },
  })
  let isDown = false
  let hasList = false
  let lastFetchMs = Number.NEGATIVE_INFINITY
  try {
    for (;;) {
      const intervalMs = connection.isLive() ? pollIntervalMs.live : pollIntervalMs.offline
      if (needsRefetch || performance.now() - lastFetchMs >= intervalMs) {
        needsRefetch = false
        try {
          const token = store.snapshotToken()
          const list = await client.call('listDeployments', {})
          lastFetchMs = performance.now()
          changes.push(...applyList(store, list, token))
          isDown = false
          hasList = true
        } catch (error) {
          if (!(error instanceof CliError) || !(error.transient || error.kind === 'unreachable')) throw error
          if (!isDown) options.onServerDown?.(error)
          isDown = true
          lastFetchMs = performance.now() - intervalMs + pollIntervalMs.offline
        }
      }
      for (const change of changes.splice(0)) await options.onChange(change)
      await options.onUpdate?.(hasList ? [...store.rows.values()] : null, connection.isLive() && !isDown)
      const remainingMs = options.deadlineMs - performance.now()
      if (remainingMs <= 0) return
      const wakeController = new AbortController()
      wakeUp = () => wakeController.abort()
      const nextFetchMs = Math.max(
        50,
        lastFetchMs +
          (connection.isLive() ? pollIntervalMs.live : pollIntervalMs.offline) -
          performance.now(),
      )
      if (!needsRefetch && changes.length === 0)
        await delay(Math.min(remainingMs, nextFetchMs), wakeController.signal)
    }
  } finally {
    connection.close()
  }
}

/** The changes that a list brings, the oldest first. A known deployment that is not in it was deleted. */
function applyList(store: DeploymentStore, list: readonly FullInfo[], token: number): ChangeEvent[] {
  const names = new Set(list.map(({ deployment }) => deployment.name))
  const changed = store.upsertMany(list.toReversed(), token)
  const removed = store.removeMissing(names, token)
  return [
    ...changed.map((deployment): ChangeEvent => {
      const { name } = deployment.deployment
      return { type: 'deployment', name, revision: deployment.revision, deployment }
    }),
    ...removed.map(
      ({ deployment, revision }): ChangeEvent => ({
        type: 'deleted',
        name: deployment.name,
        revision: revision + 1,
      }),
    ),
  ]
}
