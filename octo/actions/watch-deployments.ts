/**
 * Keeps a copy of all deployments for `octo watch`: applies change events, and fetches the list after every gap.
 * Revisions keep an older state from replacing a newer one. Called by commands/deployments/watch.ts.
 */
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
  const known = new Map<string, { revision: number; info: FullInfo | null }>()
  const events: ChangeEvent[] = []
  let wakeUp = () => {}
  let needsRefetch = true
  const apply = async (event: ChangeEvent) => {
    if ((known.get(event.name)?.revision ?? -1) >= event.revision) return
    known.set(event.name, {
      revision: event.revision,
      info: event.type === 'deployment' ? event.deployment : null,
    })
    await options.onChange(event)
  }
  const connection = openLiveConnection(client, {
    onEvent: (event) => {
      if (event.type === 'refresh') needsRefetch = true
      else events.push(event)
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
          const list = await client.call('listDeployments', {})
          lastFetchMs = performance.now()
          for (const event of toEvents(list, known)) await apply(event)
          isDown = false
          hasList = true
        } catch (error) {
          if (!(error instanceof CliError) || !(error.transient || error.kind === 'unreachable')) throw error
          if (!isDown) options.onServerDown?.(error)
          isDown = true
          lastFetchMs = performance.now() - intervalMs + pollIntervalMs.offline
        }
      }
      for (const event of events.splice(0)) await apply(event)
      await options.onUpdate?.(
        hasList ? [...known.values()].flatMap(({ info }) => info ?? []) : null,
        connection.isLive() && !isDown,
      )
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
      if (!needsRefetch && events.length === 0)
        await delay(Math.min(remainingMs, nextFetchMs), wakeController.signal)
    }
  } finally {
    connection.close()
  }
}

/** Converts a list into events, oldest change first. A known deployment that is not in the list was deleted. */
function toEvents(
  list: readonly FullInfo[],
  known: ReadonlyMap<string, { revision: number; info: FullInfo | null }>,
): ChangeEvent[] {
  const names = new Set(list.map(({ deployment }) => deployment.name))
  const removed = [...known].filter(([name, { info }]) => info !== null && !names.has(name))
  return [
    ...list.toReversed().map((deployment): ChangeEvent => {
      const { name } = deployment.deployment
      return { type: 'deployment', name, revision: deployment.revision, deployment }
    }),
    ...removed.map(
      ([name, { revision }]): ChangeEvent => ({ type: 'deleted', name, revision: revision + 1 }),
    ),
  ]
}
