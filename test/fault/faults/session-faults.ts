/** What happens to servers, datastores and the identity provider while people sign in and are signed out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestOidcProvider } from '../../helpers/oidc/oidc-provider.ts'
import type { History, RecordedSession } from '../checker/history.ts'
import { endedWithinMs } from '../checker/sessions.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { deploymentOf, type People, startPeople, startProvider } from '../harness/people.ts'
import { createDeployments } from './operations.ts'

export type SessionFault =
  | { kind: 'server killed' | 'server restarted' | 'Redis flushed' | 'PostgreSQL killed' }
  | {
      kind:
        | 'server frozen'
        | 'Redis stopped'
        | 'Redis frozen'
        | 'PostgreSQL stopped'
        | 'provider stopped'
        | 'provider slow'
      forMs: number
    }

type Plan = {
  people: number
  useMs: number
  tryMs: number
  faults: readonly SessionFault[]
  pauseMs: number
  /** People do not sign out: their group is taken away at the provider. */
  losesGroup?: true
}
type Result = Pick<People, 'signIns'> & {
  /** From the loss of a group to the first server that says so. */
  lostGroupMs: number[]
}

/** Starts the provider and two servers, and runs the faults while people work. The caller then checks the history. */
export async function runSessionFaults(cluster: Cluster, plan: Plan): Promise<Result> {
  const { provider, settings } = await startProvider(plan.people)
  const addServer = () =>
    cluster.addServer({
      ...settings,
      ...(plan.losesGroup && { OIDC_REFRESH_INTERVAL: String(refreshSeconds) }),
    })
  const lostGroupMs: number[] = []
  const loseGroup = async (session: RecordedSession, tryAll: () => Promise<void>) => {
    const account = provider.accounts.get(session.person)
    const fromMs = nowMs()
    session.endAskedMs = fromMs
    provider.accounts.set(session.person, { ...account, groups: [] })
    // A killed server may have taken the refresh token with it; another one then waits for a minute.
    while (nowMs() < fromMs + 90_000 && !session.answers.some(({ outcome }) => outcome === 'ended')) {
      await tryAll()
      await sleep(200)
    }
    lostGroupMs.push(nowMs() - fromMs)
    if (account !== undefined) provider.accounts.set(session.person, account)
  }
  try {
    await Promise.all([addServer(), addServer()])
    const present = await cluster.journal.deployments()
    const wanted = Array.from({ length: plan.people }, (_, at) => deploymentOf(at))
    await createDeployments(
      cluster,
      wanted.filter((name) => present[name] === undefined),
    )
    const revoke = plan.losesGroup && { revoke: loseGroup }
    const people = startPeople(cluster, { ...plan, ...revoke, timeoutMs: 70_000 })
    await sleep(plan.useMs)
    for (const fault of plan.faults) {
      await runFault(cluster, provider, addServer, fault)
      await sleep(plan.pauseMs)
    }
    await people.stop()
    return { signIns: people.signIns, lostGroupMs }
  } finally {
    await provider.stop()
  }
}

/** How often the groups are read. */
const refreshSeconds = 3

/** ioredis has connected again by then, and the server has subscribed. */
const reconnectMs = 5000

async function runFault(
  cluster: Cluster,
  provider: TestOidcProvider,
  addServer: () => Promise<unknown>,
  fault: SessionFault,
): Promise<void> {
  const { postgres, redis } = cluster.datastores
  const server = cluster.random.pick(cluster.servers())
  const withoutRedis = async (
    begin: () => Promise<void> | void,
    end: () => Promise<void> | void,
    forMs: number,
  ) => {
    const outage = { fromMs: nowMs() - endedWithinMs.withRedis, untilMs: Number.POSITIVE_INFINITY }
    cluster.redisOutages.push(outage)
    await begin()
    await sleep(forMs)
    await end()
    outage.untilMs = nowMs() + reconnectMs
  }
  switch (fault.kind) {
    case 'server killed':
      await server.kill()
      await addServer()
      return
    case 'server restarted':
      await Promise.all([server.stop(), addServer()])
      return
    case 'server frozen': {
      const freeze: History['freezes'][number] = {
        server: server.url,
        fromMs: nowMs(),
        untilMs: Number.POSITIVE_INFINITY,
      }
      cluster.freezes.push(freeze)
      server.signal('SIGSTOP')
      await sleep(fault.forMs)
      server.signal('SIGCONT')
      freeze.untilMs = nowMs()
      return
    }
    case 'Redis flushed':
      await redis.flush()
      return
    case 'Redis stopped':
      return withoutRedis(redis.stop, redis.start, fault.forMs)
    case 'Redis frozen':
      return withoutRedis(redis.pause, redis.resume, fault.forMs)
    case 'PostgreSQL killed':
      await postgres.kill()
      await postgres.start()
      return
    case 'PostgreSQL stopped':
      await postgres.stop()
      await sleep(fault.forMs)
      await postgres.start()
      return
    case 'provider stopped':
      await provider.stop()
      // A server that starts now has never seen the provider.
      await server.kill()
      await addServer()
      await sleep(fault.forMs)
      await provider.start()
      return
    case 'provider slow':
      provider.respond('/token', () => {})
      await sleep(fault.forMs)
      provider.respond('/token', null)
  }
}
