/**
 * Delivers a message late. A statement arrives after its sender was killed and another runner has taken or
 * ended the action. An event arrives after a newer one.
 */
import { rm, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { subscribe } from '../../../db/redis/events.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { ServerResponse } from '../harness/postgres/postgres-protocol.ts'
import type { StatementAction } from '../harness/postgres/postgres-proxy.ts'
import { crashPoints } from './crash-points.ts'
import { startAction, waitForActionEnd, waitUntil } from './operations.ts'

/**
 * Resolves with the response of PostgreSQL to the late statement. The checker finds out whether it had an
 * effect.
 */
export async function deliverStatementLate(
  cluster: Cluster,
  step: 'start' | 'output' | 'finish',
  deployment: string,
): Promise<ServerResponse> {
  // First hold the runner before the start, until the id of the action is known.
  await waitUntil(`${deployment} is idle`, async () => {
    const [row] = await cluster.journal.query(
      `select status not like '%Pending' and not exists (select from actions a where a.deployment_id = d.id
      and state in ('queued', 'running')) as idle from deployments d where name = $1`,
      [deployment],
    )
    return row?.idle === true
  })
  const hold = cluster.scriptFile(`hold-${deployment}`)
  await writeFile(hold, '')
  const action = await startAction(cluster, deployment, 'update', step === 'finish' ? 'quick' : 'tree 3')
  const release = Promise.withResolvers<void>()
  const response = Promise.withResolvers<ServerResponse>()
  let sent = false
  let sentToken = Number.NaN
  const currentToken = async () => {
    const [row] = await cluster.journal.query('select fencing_token from actions where id = $1', [action])
    return Number(row?.fencing_token)
  }
  const stopIntercepting = cluster.interceptStatements(
    async (program, { sql, values }): Promise<StatementAction> => {
      if (sent || !crashPoints[step].sql.test(sql) || !values.includes(String(action))) return 'pass'
      sent = true
      // The sender may already be the second runner of the action.
      sentToken = await currentToken()
      // Then kill the sender while the statement waits in the proxy.
      program.signal('SIGKILL')
      await release.promise
      return { onResponse: response.resolve }
    },
  )
  try {
    await rm(hold)
    const hasEnded = async () => {
      const [row] = await cluster.journal.query('select state from actions where id = $1', [action])
      return row?.state !== 'queued' && row?.state !== 'running'
    }
    await waitUntil(`${step} of action ${action} is sent`, async () => sent || (await hasEnded()))
    // Another fault killed the runner before it sent the statement.
    if (!sent) return await deliverStatementLate(cluster, step, deployment)
    await cluster.addRunner()
    await waitUntil(
      `another runner has taken or ended action ${action}`,
      async () => (await currentToken()) > sentToken,
    )
    release.resolve()
    return await withinTimeout(response.promise, `the response to the late ${step} of action ${action}`)
  } finally {
    release.resolve()
    stopIntercepting()
  }
}

/**
 * Freezes the connection to Redis of the server that accepts an action, until the action has ended; a runner
 * finds it by polling. Resolves when an older revision was published after a newer one.
 */
export async function deliverEventLate(cluster: Cluster, deployment: string): Promise<void> {
  const [server] = cluster.servers()
  if (server === undefined) throw new Error('there is no server')
  const revisions: number[] = []
  const subscriber = new Redis(cluster.datastores.redis.url)
  // The client reconnects. An event that it misses makes waitUntil fail.
  subscriber.on('error', () => {})
  try {
    await subscribe(subscriber, cluster.redisPrefix, {
      onChange: (event) => {
        if (event.name === deployment) revisions.push(event.revision)
      },
    })
    server.redis.freeze()
    await waitForActionEnd(
      cluster,
      await startAction(cluster, deployment, 'update', 'quick', () => [server.url]),
    )
    server.redis.thaw()
    await waitUntil('the late event is published', async () =>
      revisions.some((revision, at) => revision < (revisions[at - 1] ?? 0)),
    )
  } finally {
    server.redis.thaw()
    subscriber.disconnect()
  }
}

/** Rejected by a trigger, or by a function that found no row it may change. */
export const isRejected = ({ errorCode, values }: ServerResponse): boolean =>
  errorCode === 'OC001' || (errorCode === null && values.length === 1 && values[0] === null)

async function withinTimeout<T>(work: Promise<T>, description: string): Promise<T> {
  let settled = false
  void work.then(() => {
    settled = true
  })
  await waitUntil(description, async () => settled)
  return work
}
