/** What is paused for all deployments: from the websocket, and where none opens from the API. Created by app-context.ts. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { type Pause, pausable } from '../../domain/pauses/pause.ts'
import type { ListSync } from '../live/list-sync.ts'
import type { LiveConnection } from '../live/live-connection.ts'

export function createKnownPauses(
  client: ApiClient,
  { paused, websocketProblem }: Pick<LiveConnection, 'paused' | 'websocketProblem'>,
  { fetchedAt }: Pick<ListSync, 'fetchedAt'>,
): ReadonlySignal<readonly Pause[]> {
  const polled = signal<readonly Pause[]>([])
  // With each list that the page polls.
  effect(() => {
    if (fetchedAt.value === 0 || websocketProblem.value === null) return
    client.call('listPauses').then(
      (pauses) => {
        polled.value = pauses
      },
      // The next poll asks again.
      () => {},
    )
  })
  // A server of a later release may pause what this page does not know.
  return computed(() =>
    (websocketProblem.value === null ? paused.value : polled.value).filter(({ what }) =>
      Object.hasOwn(pausable, what),
    ),
  )
}
