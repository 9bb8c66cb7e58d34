/**
 * What somebody who watches knows of all deployments: kept up to date by events, by the list after every gap, and by
 * revisions, so that nothing older is ever shown over something newer. Called by commands/watch.ts.
 */
import type { ChangeEvent } from '../domain/event.ts'
import type { FullInfo } from '../domain/shapes.ts'
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { openLive } from './live.ts'
import { pause } from './retry.ts'

type Ways = {
  deadlineMs: number
  onChange: (change: ChangeEvent) => Promise<void>
  /** After a batch of changes, and when the state of the connection has changed. */
  onTurn?: (all: FullInfo[], hearing: boolean) => void
  onAway?: (failure: Failure) => void
  pollMs?: { hearing: number; deaf: number }
}

/** Ends at the deadline. Throws what the server says for good (not allowed). */
export async function watchAll(octopod: Octopod, ways: Ways): Promise<void> {
  const { pollMs = { hearing: 60_000, deaf: 3000 } } = ways
  const known = new Map<string, { revision: number; info: FullInfo | null }>()
  const events: ChangeEvent[] = []
  let wake = () => {}
  let stale = true
  const apply = async (event: ChangeEvent) => {
    if ((known.get(event.name)?.revision ?? -1) >= event.revision) return
    known.set(event.name, {
      revision: event.revision,
      info: event.type === 'deployment' ? event.deployment : null,
    })
    await ways.onChange(event)
  }
  const live = openLive(octopod, {
    hear: (heard) => {
      if (heard.type === 'refresh') stale = true
      else events.push(heard)
      wake()
    },
  })
  let away = false
  let lookedMs = Number.NEGATIVE_INFINITY
  try {
    for (;;) {
      const everyMs = live.hearing() ? pollMs.hearing : pollMs.deaf
      if (stale || performance.now() - lookedMs >= everyMs) {
        stale = false
        try {
          const list = await octopod.call('listDeployments', {})
          lookedMs = performance.now()
          for (const event of eventsOf(list, known)) await apply(event)
          away = false
        } catch (error) {
          if (!(error instanceof Failure) || !(error.transient || error.kind === 'unreachable')) throw error
          if (!away) ways.onAway?.(error)
          away = true
          lookedMs = performance.now() - everyMs + pollMs.deaf
        }
      }
      for (const event of events.splice(0)) await apply(event)
      ways.onTurn?.(
        [...known.values()].flatMap(({ info }) => info ?? []),
        live.hearing() && !away,
      )
      const leftMs = ways.deadlineMs - performance.now()
      if (leftMs <= 0) return
      const woken = new AbortController()
      wake = () => woken.abort()
      const dueMs = Math.max(
        50,
        lookedMs + (live.hearing() ? pollMs.hearing : pollMs.deaf) - performance.now(),
      )
      if (!stale && events.length === 0) await pause(Math.min(leftMs, dueMs), woken.signal)
    }
  } finally {
    live.close()
  }
}

/** A whole list as events: oldest change first, and what is no longer in it was deleted. */
function eventsOf(
  list: readonly FullInfo[],
  known: ReadonlyMap<string, { revision: number; info: FullInfo | null }>,
): ChangeEvent[] {
  const names = new Set(list.map(({ deployment }) => deployment.name))
  const gone = [...known].filter(([name, { info }]) => info !== null && !names.has(name))
  return [
    ...list.toReversed().map((deployment): ChangeEvent => {
      const { name } = deployment.deployment
      return { type: 'deployment', name, revision: deployment.revision, deployment }
    }),
    ...gone.map(([name, { revision }]): ChangeEvent => ({ type: 'deleted', name, revision: revision + 1 })),
  ]
}
