/**
 * The live connection of the page: client/live-connection.ts with its state as signals. While it is not live, the list is polled.
 * Created by app-context.ts.
 */
import { batch, type ReadonlySignal, signal } from '@preact/signals'
import { type LiveOptions, openLive, type Socket } from '../../client/live-connection.ts'
import type { ConnectionState } from '../../client/live-protocol.ts'
import type { Pause } from '../../domain/pauses/pause.ts'

export type { Socket }

export type LiveConnection = {
  connectionState: ReadonlySignal<ConnectionState>
  /** True while the server says that no runner is connected. */
  runnerMissing: ReadonlySignal<boolean>
  /** What the server says is paused for all deployments. */
  paused: ReadonlySignal<readonly Pause[]>
  /** Why the server opens no websocket although it answers requests. */
  websocketProblem: ReadonlySignal<string | null>
  /** Time of the last confirmed complete state, by the browser's clock in ms; 0: never. */
  lastSyncedAt: ReadonlySignal<number>
  /** Reconnects unless the connection is live and fresh. For wake-up, a returned network, and the user's click. */
  reconnectIfStale(): void
  /** Reconnects and fetches the list in every case, for example after the credential has changed. */
  reconnect(): void
  /** Neither connects nor polls until `reconnect` is called: nobody is signed in. */
  suspend(): void
  close(): void
}

/** Polling interval while the connection is not live. */
const pollMs = 15_000

export function openLiveConnection(options: LiveOptions): LiveConnection {
  const connectionState = signal<ConnectionState>('connecting')
  const runnerMissing = signal(false)
  const paused = signal<readonly Pause[]>([])
  const websocketProblem = signal<string | null>(null)
  const lastSyncedAt = signal(0)
  const client = openLive({
    explainFailure: async () => '',
    ...options,
    onState: (state) =>
      batch(() => {
        connectionState.value = state.connectionState
        runnerMissing.value = state.isRunnerMissing
        paused.value = state.paused
        websocketProblem.value = state.problem
        lastSyncedAt.value = state.lastSyncedAt
      }),
  })
  // Without websockets the page stays up to date by polling.
  const pollTimer = setInterval(() => {
    const { connectionState: shown, phase } = client.state()
    if (shown !== 'live' && phase !== 'suspended') void options.refresh()
  }, pollMs)
  return {
    connectionState,
    runnerMissing,
    paused,
    websocketProblem,
    lastSyncedAt,
    reconnectIfStale: () => client.send({ type: 'reconnect_if_stale' }),
    reconnect: () => client.send({ type: 'reconnect' }),
    suspend: () => client.send({ type: 'suspend' }),
    close: () => {
      clearInterval(pollTimer)
      client.send({ type: 'close' })
    },
  }
}
