/**
 * What is long on its way. A statement: its sender is killed, somebody else takes or ends the action, and only then it arrives.
 * An event: what has happened since was told before.
 */
import { rm, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { subscribe } from '../../../db/redis/events.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { ServerResponse } from '../harness/postgres/postgres-protocol.ts'
import type { StatementAction } from '../harness/postgres/postgres-proxy.ts'
import { crashPoints } from './crash-points.ts'
import { startAction, waitForActionEnd, waitUntil } from './operations.ts'

/** Resolves with what PostgreSQL answered to the late statement; the checker tells what became of it. */
export async function deliverStatementLate(
  cluster: Cluster,
  step: 'start' | 'output' | 'finish',
  deployment: string,
): Promise<ServerResponse> {
  // First: whoever takes the action waits before the start until we know its number.
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
  const due = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<ServerResponse>()
  let sent = false
  let sentEpoch = Number.NaN
  const epochNow = async () => {
    const [row] = await cluster.journal.query('select fencing_token from actions where id = $1', [action])
    return Number(row?.fencing_token)
  }
  const stopIntercepting = cluster.interceptStatements(
    async (program, { sql, values }): Promise<StatementAction> => {
      if (sent || !crashPoints[step].sql.test(sql) || !values.includes(String(action))) return 'pass'
      sent = true
      // Its sender may be the second one already that has taken the action.
      sentEpoch = await epochNow()
      // Then: its sender is gone, and the statement is still on its way.
      program.signal('SIGKILL')
      await due.promise
      return { answered: answered.resolve }
    },
  )
  try {
    await rm(hold)
    const over = async () => {
      const [row] = await cluster.journal.query('select state from actions where id = $1', [action])
      return row?.state !== 'queued' && row?.state !== 'running'
    }
    await waitUntil(`${step} of action ${action} is sent`, async () => sent || (await over()))
    // Its runner was somebody else's victim before it came so far.
    if (!sent) return await deliverStatementLate(cluster, step, deployment)
    await cluster.addRunner()
    await waitUntil(
      `action ${action} is somebody else's, or over`,
      async () => (await epochNow()) > sentEpoch,
    )
    due.resolve()
    return await withinTimeout(answered.promise, `the answer to the late ${step} of action ${action}`)
  } finally {
    due.resolve()
    stopIntercepting()
  }
}

/**
 * The server that accepts an action is heard in Redis only when the action has ended, which a runner has found by itself. Resolves
 * when an older revision was told after a newer one.
 */
export async function deliverEventLate(cluster: Cluster, deployment: string): Promise<void> {
  const [server] = cluster.servers()
  if (server === undefined) throw new Error('there is no server')
  const told: number[] = []
  const subscriber = new Redis(cluster.datastores.redis.url)
  // It connects again by itself; what it misses is waited for in vain, and that says so.
  subscriber.on('error', () => {})
  try {
    await subscribe(subscriber, cluster.redisPrefix, {
      onChange: (event) => {
        if (event.name === deployment) told.push(event.revision)
      },
    })
    server.redis.freeze()
    await waitForActionEnd(
      cluster,
      await startAction(cluster, deployment, 'update', 'quick', () => [server.url]),
    )
    server.redis.thaw()
    await waitUntil('the late event is told', async () => told.some((one, at) => one < (told[at - 1] ?? 0)))
  } finally {
    server.redis.thaw()
    subscriber.disconnect()
  }
}

/** Refused by a guard, or by a function that found nothing it may change. */
export const isRejected = ({ errorCode, values }: ServerResponse): boolean =>
  errorCode === 'OC001' || (errorCode === null && values.length === 1 && values[0] === null)

async function withinTimeout<T>(work: Promise<T>, what: string): Promise<T> {
  let has = false
  void work.then(() => {
    has = true
  })
  await waitUntil(what, async () => has)
  return work
}
