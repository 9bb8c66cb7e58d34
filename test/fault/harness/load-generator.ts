/**
 * Clients that create, update, archive, restore, clean up and cancel deployments. Each chooses by the state
 * of the deployment.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import {
  cancelLatestAction,
  type Kind,
  type ObservedState,
  observeDeployment,
  sendUntilAnswered,
} from './http-client.ts'
import type { Random } from './random.ts'

export type LoadOptions = {
  deployments: number
  clients: number
  /** The average pause between two requests of one client. */
  pauseMs: number
  /** The behaviours of the scripts; all have the same chance. */
  behaviours: readonly string[]
  /** The chance, in percent, that a client cancels an action it finds running. Default: 10. */
  cancelPercent?: number
  /** Stops after this number of requests. */
  limit?: number
}
export type LoadGenerator = {
  /** Resolves when every client has a final response to its last request. */
  stop(): Promise<void>
  done: Promise<unknown>
}

const finalTimeoutMs = 60_000

export function startLoad(
  { requests, serverUrls, ...cluster }: Cluster,
  options: LoadOptions,
): LoadGenerator {
  const { deployments, clients, pauseMs, behaviours, cancelPercent = 10, limit } = options
  const random = cluster.random.fork()
  let stopping = false
  let stoppedAt = Number.POSITIVE_INFINITY
  let requestCount = 0
  const isTimeUp = () => performance.now() > stoppedAt + finalTimeoutMs

  const client = async (number: number, clientRandom: Random) => {
    for (let count = 1; !stopping && (limit === undefined || requestCount < limit); count += 1) {
      const deployment = `load-${clientRandom.below(deployments)}`
      const url = serverUrls().length === 0 ? undefined : clientRandom.pick(serverUrls())
      const kind = chooseKind(await observeDeployment(url, deployment), clientRandom)
      if (kind !== null) {
        requestCount += 1
        const key = `load-${number}-${count}`
        const behaviour = ['create', 'update'].includes(kind) ? clientRandom.pick(behaviours) : undefined
        await sendUntilAnswered(
          requests,
          serverUrls,
          clientRandom,
          { key, kind, deployment, behaviour },
          isTimeUp,
        )
      } else if (clientRandom.below(100) < cancelPercent) await cancelLatestAction(url, deployment)
      await sleep(clientRandom.between(0.5, 1.5) * pauseMs)
    }
  }
  const done = Promise.all(Array.from({ length: clients }, (_, number) => client(number, random.fork())))
  return {
    done,
    stop: async () => {
      stopping = true
      stoppedAt = performance.now()
      await done
    },
  }
}

/** Usually an action that can start, sometimes one that is rejected. Null: an action is running. */
function chooseKind(state: ObservedState, random: Random): Kind | null {
  if (state === 'none') return 'create'
  if (state === 'unknown' || random.below(20) === 0)
    return random.pick(['create', 'update', 'archive', 'restore', 'cleanup'])
  if (state.pending) return null
  if (state.status === 'Archived') return random.pick(['restore', 'cleanup'])
  if (state.status === 'CleanupFailed') return 'cleanup'
  if (state.status === 'ArchivePending') return 'archive'
  return random.below(4) === 0 ? 'archive' : 'update'
}
