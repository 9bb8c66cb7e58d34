/** Clients that create, update, archive, restore, clean up and cancel, each doing what makes sense where a deployment stands. */
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
  /** Between two intentions of one client. */
  pauseMs: number
  /** How the scripts behave, each as likely as the others. */
  behaviours: readonly string[]
  /** How many in a hundred looks at something under way end in a cancel. */
  cancelPercent?: number
  /** Ends by itself after so many intentions. */
  limit?: number
}
export type LoadGenerator = {
  /** Resolves when every client has stopped, each with a definite answer to what it asked last. */
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
  let intentions = 0
  const givenUp = () => performance.now() > stoppedAt + finalTimeoutMs

  const client = async (number: number, own: Random) => {
    for (let count = 1; !stopping && (limit === undefined || intentions < limit); count += 1) {
      const deployment = `load-${own.below(deployments)}`
      const url = serverUrls().length === 0 ? undefined : own.pick(serverUrls())
      const kind = chooseKind(await observeDeployment(url, deployment), own)
      if (kind !== null) {
        intentions += 1
        const key = `load-${number}-${count}`
        const behave = ['create', 'update'].includes(kind) ? own.pick(behaviours) : undefined
        await sendUntilAnswered(
          requests,
          serverUrls,
          own,
          { key, kind, deployment, behaviour: behave },
          givenUp,
        )
      } else if (own.below(100) < cancelPercent) await cancelLatestAction(url, deployment)
      await sleep(own.between(0.5, 1.5) * pauseMs)
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

/** Mostly what can be; now and then what will be refused. Null: something is under way. */
function chooseKind(known: ObservedState, random: Random): Kind | null {
  if (known === 'none') return 'create'
  if (known === 'unknown' || random.below(20) === 0)
    return random.pick(['create', 'update', 'archive', 'restore', 'cleanup'])
  if (known.pending) return null
  if (known.status === 'Archived') return random.pick(['restore', 'cleanup'])
  if (known.status === 'CleanupFailed') return 'cleanup'
  if (known.status === 'ArchivePending') return 'archive'
  return random.below(4) === 0 ? 'archive' : 'update'
}
