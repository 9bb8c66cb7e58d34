/**
 * A whole Octopod for a fault test: datastores of its own, servers and runners as processes, pages that
 * watch, and the history of everything that happened. After its faults a test calls waitUntilQuiet(), then
 * check().
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { check } from '../checker/check.ts'
import {
  emptyHistory,
  type History,
  type Outage,
  type RecordedRequest,
  type RecordedSession,
  type Violation,
} from '../checker/history.ts'
import { readAudit } from './audit.ts'
import { type Datastores, type StoreOptions, startDatastores } from './datastores.ts'
import { cancelAction } from './http-client.ts'
import { openPageClient, type PageClient } from './page-client.ts'
import { type Journal, openJournal } from './postgres/journal.ts'
import type { Statement } from './postgres/postgres-protocol.ts'
import type { StatementAction, StatementHandler } from './postgres/postgres-proxy.ts'
import { observeProcesses, type ProcessObserver, readScriptHistory } from './process-observer.ts'
import { adminHeader, type Program, type Server, startRunner, startServer } from './programs.ts'
import { createRandom, type Random } from './random.ts'

export type Cluster = {
  seed: number
  random: Random
  /** The folder in which the control scripts record what they do. */
  historyDir: string
  /** Begins every key in Redis. */
  redisPrefix: string
  datastores: Datastores
  journal: Journal
  processObserver: ProcessObserver
  /** The servers that are running. */
  servers(): Server[]
  /** The runners that are running. */
  runners(): Program[]
  /** The addresses of the servers that are running. */
  serverUrls(): string[]
  addServer(env?: Record<string, string>): Promise<Server>
  addRunner(env?: Record<string, string>): Promise<Program>
  openPages(count: number): void
  /**
   * Calls the function before every statement of every program, also of later ones. Returns a function that
   * stops this.
   */
  interceptStatements(interceptor: StatementInterceptor): () => void
  /** All requests of all clients. Each client appends its own. */
  requests: RecordedRequest[]
  /** All sessions of all people, the outages of Redis and the freezes of servers, as the people and faults record them. */
  sessions: RecordedSession[]
  redisOutages: Outage[]
  freezes: History['freezes']
  /** The ids of the requests that were answered with 403, as the people record them. */
  refusedRequests: string[]
  /** The path of a file that the control scripts look for. */
  scriptFile(name: string): string
  /**
   * Ends all faults and waits until no work is left. Never rejects: the checker reports what did not finish
   * in time.
   */
  waitUntilQuiet(limitMs?: number): Promise<void>
  check(): Promise<{ history: History; violations: Violation[] }>
  close(): Promise<void>
}

/** Decides what happens to a statement. The first interceptor that does not answer `pass` decides. */
export type StatementInterceptor = (
  program: Program,
  statement: Statement,
) => StatementAction | Promise<StatementAction>

/** A runner polls for due checks at this interval. */
const checkPollMs = 1000

const redisPrefix = 'fault'
function readStoreOptions(list: string): StoreOptions {
  const words = list.split(',').filter(Boolean)
  const unknown = words.filter((word) => !['pgbouncer', 'redis-user'].includes(word))
  if (unknown.length > 0)
    throw new Error(`STORES has ${unknown.join(', ')}; it may have pgbouncer and redis-user`)
  return {
    usesPgbouncer: words.includes('pgbouncer'),
    ...(words.includes('redis-user') ? { restrictedRedisPrefix: redisPrefix } : {}),
  }
}

const scriptsDir = join(import.meta.dirname, '../../scripts')

/**
 * `settings` are set for all programs. STORES of the environment is a comma-separated list: with `pgbouncer` the programs reach
 * PostgreSQL through a transaction pooler, with `redis-user` they have only the documented rights in Redis.
 */
export async function startCluster(seed: number, settings: Record<string, string> = {}): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-fault-'))
  // When root starts it, PostgreSQL runs under another account, which must be able to enter the folder.
  await chmod(folder, 0o711)
  const historyDir = join(folder, 'scripts')
  await mkdir(join(historyDir, 'locks'), { recursive: true })
  await writeFile(join(historyDir, 'history'), '')
  const datastores = await startDatastores(folder, readStoreOptions(process.env.STORES ?? ''))
  const journal = await openJournal(datastores.postgres.url)
  const processObserver = observeProcesses(historyDir)
  const random = createRandom(seed)
  const servers: Server[] = []
  const runners: Program[] = []
  const pages: PageClient[] = []
  const requests: RecordedRequest[] = []
  let programCount = 0

  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    REDIS_PREFIX: redisPrefix,
    CONTROL_SCRIPTS_DIR: join(scriptsDir, 'recording'),
    OCTOPOD_FAULT_DIR: historyDir,
    OCTOPOD_FAULT_SCRIPTS: scriptsDir,
    POWER_AUTHORIZATION_HEADER: adminHeader,
    DATABASE_POOL_SIZE: '5',
    CHECK_INTERVAL: '600',
    CHECK_TIMEOUT: '3',
    SHUTDOWN_GRACE: '5',
    ...settings,
  }
  const uniqueName = (kind: string) => {
    programCount += 1
    return `${kind}-${programCount}`
  }
  const interceptors = new Set<StatementInterceptor>()
  const onStatement =
    (name: string): StatementHandler =>
    async (statement) => {
      const program = [...servers, ...runners].find((one) => one.name === name)
      if (program === undefined) return 'pass'
      for (const interceptor of interceptors) {
        const action = await interceptor(program, statement)
        if (action !== 'pass') return action
      }
      return 'pass'
    }
  const addServer: Cluster['addServer'] = (more = {}) =>
    retryStart(async () => {
      const name = uniqueName('server')
      const server = await startServer(datastores, name, { ...env, ...more }, onStatement(name))
      servers.push(server)
      return server
    })
  const addRunner: Cluster['addRunner'] = (more = {}) =>
    retryStart(async () => {
      const name = uniqueName('runner')
      const runner = await startRunner(datastores, name, { ...env, ...more }, onStatement(name))
      runners.push(runner)
      return runner
    })
  const runningPrograms = () => [...servers, ...runners].filter((program) => program.isAlive())
  const serverUrls = () => servers.filter((server) => server.isAlive()).map(({ url }) => url)

  const cluster: Cluster = {
    seed,
    random,
    historyDir,
    redisPrefix,
    datastores,
    journal,
    processObserver,
    servers: () => servers.filter((server) => server.isAlive()),
    runners: () => runners.filter((runner) => runner.isAlive()),
    serverUrls,
    addServer,
    addRunner,
    openPages: (count) => {
      for (let page = 1; page <= count; page += 1)
        pages.push(openPageClient(`page-${pages.length + 1}`, serverUrls, random.fork()))
    },
    requests,
    sessions: [],
    redisOutages: [],
    freezes: [],
    refusedRequests: [],
    interceptStatements: (interceptor) => {
      interceptors.add(interceptor)
      return () => void interceptors.delete(interceptor)
    },
    scriptFile: (name) => join(historyDir, name),
    waitUntilQuiet: async (limitMs = 1000 * Number(process.env.FAULT_QUIET ?? 60)) => {
      const deadline = performance.now() + limitMs
      interceptors.clear()
      await datastores.restoreAll()
      for (const program of runningPrograms()) {
        program.postgres.thaw()
        program.redis.thaw()
        program.signal('SIGCONT')
      }
      if (cluster.servers().length === 0) await addServer()
      if (cluster.runners().length === 0) await addRunner()
      const cancelAfter = performance.now() + 2000
      let quietRounds = 0
      while (quietRounds < 3 && performance.now() < deadline) {
        const [activeCount, deployments, pending] = await Promise.all([
          journal.active(),
          journal.deployments(),
          journal.pending(),
        ]).catch(() => [1, {}, []] as const)
        // A check that fails is repeated for ever, so only a check that no runner takes is waited for.
        const hasOverdueCheck = pending.some(
          ({ hasActiveAction, overdueMs }) =>
            !hasActiveAction && (overdueMs === null || overdueMs > checkPollMs),
        )
        const pagesAreCurrent = pages.every((page) =>
          isDeepStrictEqual(page.recorded().finalState, deployments),
        )
        const runningActions = new Set(processObserver.alive().map(({ action }) => action))
        const isQuiet = activeCount === 0 && !hasOverdueCheck && pagesAreCurrent && runningActions.size === 0
        quietRounds = isQuiet ? quietRounds + 1 : 0
        // Cancels scripts that would run for minutes. An action that hangs without a script is left for the
        // checker.
        if (performance.now() > cancelAfter)
          for (const action of runningActions) await cancelAction(serverUrls()[0], action).catch(() => {})
        await sleep(300)
      }
    },
    check: async () => {
      const scripts = await readScriptHistory(historyDir)
      // Messages of the shell about killed children, and notes of Octopod, are on stderr.
      const stored = await journal.query(`select a.id::int, state, coalesce(string_agg(text, '' order by seq)
        filter (where state = 'succeeded' or stream = 'stdout'), '') as text
        from actions a left join action_output on action_id = id where finished_at is not null group by id`)
      const ofPeople =
        await journal.query(`select id::int, split_part(reason, ' ', 1) as asked, actor_subject as stored, proof
        from actions where reason like 'person-%'`)
      const history: History = {
        ...emptyHistory(),
        sessions: cluster.sessions,
        redisOutages: cluster.redisOutages,
        freezes: cluster.freezes,
        audit: await readAudit(journal, cluster.serverUrls()[0]),
        refusedRequests: cluster.refusedRequests,
        actionsOfPeople: ofPeople.map(({ id, asked, stored, proof }) => ({
          action: Number(id),
          asked: String(asked),
          stored: stored === null ? null : String(stored),
          proof: String(proof),
        })),
        runs: scripts.runs,
        ends: scripts.ends,
        ownEnds: scripts.ownEnds,
        ...(await processObserver.observations()),
        writes: await journal.writes(),
        requests,
        retriesAllowed: env.INTERRUPTED_ACTIONS === 'retry',
        pages: pages.map((page) => page.recorded()),
        deployments: await journal.deployments(),
        deletions: await journal.deletions(),
        pendingDeployments: await journal.pending(),
        outputs: stored.flatMap(({ id, state, text }) => {
          const action = Number(id)
          if (scripts.ownEnds.some((one) => one.action === action)) return []
          const printed = scripts.printed.get(action) ?? ''
          const scriptEnded = scripts.ends.some((one) => one.action === action)
          return [{ action, state: String(state), stored: String(text), printed, scriptEnded }]
        }),
      }
      return { history, violations: check(history) }
    },
    close: async () => {
      await processObserver.stop()
      for (const page of pages) page.close()
      await datastores.restoreAll().catch(() => {})
      await Promise.all(runningPrograms().map((program) => program.stop()))
      await datastores.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return cluster
}

/** A program that could not start, e.g. because its datastore was down, is started again, as a platform does. */
async function retryStart<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start()
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}
