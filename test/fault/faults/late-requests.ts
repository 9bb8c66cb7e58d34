/**
 * A request whose statement reaches PostgreSQL late: its server's connections stand still, while the client goes
 * elsewhere and somebody else changes the deployment. The checker finds out whether the request acted.
 */
import type { RecordedResponse } from '../checker/history.ts'
import type { Cluster } from '../harness/cluster.ts'
import { sendAndGiveUp, sendUntilAnswered } from '../harness/http-client.ts'
import type { ServerResponse } from '../harness/postgres/postgres-protocol.ts'
import type { Server } from '../harness/programs.ts'
import { crashPoints } from './crash-points.ts'
import { createKey, startAction, waitForActionEnd, waitUntil, waitUntilRunning } from './operations.ts'

/** `late`: what PostgreSQL answered to the late statement. `repeated`: what the other server answered to the client. */
export type LateRequest = { late: ServerResponse; repeated: RecordedResponse | undefined }

/**
 * The connections of a server stand still before it enqueues an update, and the client gets 503. Somebody archives the
 * deployment. With `repeat` the client sends its request to the other server, which refuses it; otherwise it gives up.
 * The deployment is restored, and the connections go on.
 */
export async function thawAfterRefusal(
  cluster: Cluster,
  deployment: string,
  repeat: boolean,
): Promise<LateRequest> {
  const [slow, other] = pickServers(cluster)
  const key = createKey(deployment)
  const update = { key, kind: 'update', deployment, behaviour: 'quick' } as const
  const held = holdEnqueue(cluster, slow, key)
  try {
    const first = await sendAndGiveUp(cluster.requests, slow.url, update)
    if (first.outcome !== 'unknown') throw new Error(`the first response is ${JSON.stringify(first)}`)
    await endAction(cluster, other, deployment, 'archive')
    await waitForStatus(cluster, deployment, 'Archived')
    const repeated = repeat
      ? await sendUntilAnswered(cluster.requests, () => [other.url], cluster.random, update)
      : undefined
    await endAction(cluster, other, deployment, 'restore')
    await waitUntilRunning(cluster, [deployment])
    return { late: await held.release(), repeated }
  } finally {
    held.stop()
  }
}

/**
 * An update waits between its server and PostgreSQL. Its client leaves, repeats it at the other server, and is refused
 * because of the action of somebody else. When that action has ended, the first statement arrives, and its time is not
 * over yet.
 */
export async function arriveAfterRefusal(cluster: Cluster, deployment: string): Promise<LateRequest> {
  const [slow, other] = pickServers(cluster)
  const key = createKey(deployment)
  const update = { key, kind: 'update', deployment, behaviour: 'quick' } as const
  const held = holdEnqueue(cluster, slow, key)
  try {
    const leave = new AbortController()
    const first = sendAndGiveUp(cluster.requests, slow.url, update, leave.signal)
    const early = first.then((response) => {
      throw new Error(`the request was answered before its statement: ${JSON.stringify(response)}`)
    })
    await Promise.race([held.reached, early])
    early.catch(() => {})
    leave.abort()
    const action = await startAction(cluster, deployment, 'update', 'sleep 1.5', () => [other.url])
    await first
    const repeated = await sendUntilAnswered(cluster.requests, () => [other.url], cluster.random, update)
    await waitForActionEnd(cluster, action)
    await waitUntilRunning(cluster, [deployment])
    return { late: await held.release(), repeated }
  } finally {
    held.stop()
  }
}

function pickServers(cluster: Cluster): [slow: Server, other: Server] {
  const [slow, other] = cluster.servers()
  if (slow === undefined || other === undefined) throw new Error('a server has ended')
  return [slow, other]
}

/** Holds the statement that enqueues the action of this key. `release` resolves with the answer of PostgreSQL to it. */
function holdEnqueue(cluster: Cluster, server: Server, key: string) {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const response = Promise.withResolvers<ServerResponse>()
  const stopIntercepting = cluster.interceptStatements(async (program, { sql, values }) => {
    if (program.name !== server.name || !crashPoints.enqueue.sql.test(sql) || !values.includes(key))
      return 'pass'
    reached.resolve()
    await released.promise
    return { onResponse: response.resolve }
  })
  return {
    reached: reached.promise,
    release: async () => {
      released.resolve()
      let hasResponse = false
      void response.promise.then(() => {
        hasResponse = true
      })
      await waitUntil('PostgreSQL has answered the late statement', async () => hasResponse)
      return response.promise
    },
    stop: () => {
      released.resolve()
      stopIntercepting()
    },
  }
}

async function endAction(
  cluster: Cluster,
  server: Server,
  deployment: string,
  kind: 'archive' | 'restore',
): Promise<void> {
  await waitForActionEnd(cluster, await startAction(cluster, deployment, kind, undefined, () => [server.url]))
}

function waitForStatus(cluster: Cluster, deployment: string, status: string): Promise<void> {
  return waitUntil(`${deployment} is ${status}`, async () => {
    const [row] = await cluster.journal.query('select status from deployments where name = $1', [deployment])
    return row?.status === status
  })
}
