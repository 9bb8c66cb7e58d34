/**
 * A whole Octopod to be broken: its own stores, servers and runners as processes, pages that watch, and the history of all
 * that happened. After the faults comes the quiet time, then the check.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { check } from '../checker/check.ts'
import { emptyHistory, type History, type RecordedRequest, type Violation } from '../checker/history.ts'
import { type Datastores, startDatastores } from './datastores.ts'
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
  historyDir: string
  /** Of every name in Redis. */
  redisPrefix: string
  datastores: Datastores
  journal: Journal
  processObserver: ProcessObserver
  servers(): Server[]
  runners(): Program[]
  /** The addresses of the servers that live. */
  serverUrls(): string[]
  addServer(more?: Record<string, string>): Promise<Server>
  addRunner(more?: Record<string, string>): Promise<Program>
  openPages(pages: number): void
  /** Has a say about every statement of every program, also of those to come, until it is taken back. */
  interceptStatements(by: StatementInterceptor): () => void
  /** Everything asked by any client: those who ask add to it. */
  requests: RecordedRequest[]
  /** A file that scripts look for. */
  scriptFile(name: string): string
  /** Everything is mended and waited for; rejects never: what is not done by then is for the check to say. */
  waitUntilQuiet(limitMs?: number): Promise<void>
  check(): Promise<{ history: History; violations: Violation[] }>
  close(): Promise<void>
}

/** Verdicts other than `pass` of whoever was first count. */
export type StatementInterceptor = (
  program: Program,
  asked: Statement,
) => StatementAction | Promise<StatementAction>

/** A runner takes a check that is due at its next look. */
const lateMs = 1000

const prefix = 'fault'
const scriptsDir = join(import.meta.dirname, '../../scripts')

/** `environment`: of all programs. */
export async function startCluster(seed: number, environment: Record<string, string> = {}): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-fault-'))
  // As root, PostgreSQL runs under another account, which must pass through.
  await chmod(folder, 0o711)
  const dir = join(folder, 'scripts')
  await mkdir(join(dir, 'locks'), { recursive: true })
  await writeFile(join(dir, 'history'), '')
  const stores = await startDatastores(folder)
  const journal = await openJournal(stores.postgres.url)
  const witness = observeProcesses(dir)
  const random = createRandom(seed)
  const programs: { server: Server[]; runner: Program[] } = { server: [], runner: [] }
  const viewers: PageClient[] = []
  const asked: RecordedRequest[] = []
  let count = 0

  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    REDIS_PREFIX: prefix,
    CONTROL_SCRIPTS_DIR: join(scriptsDir, 'recording'),
    OCTOPOD_FAULT_DIR: dir,
    OCTOPOD_FAULT_SCRIPTS: scriptsDir,
    POWER_AUTHORIZATION_HEADER: adminHeader,
    DATABASE_POOL_SIZE: '5',
    CHECK_INTERVAL: '600',
    CHECK_TIMEOUT: '3',
    SHUTDOWN_GRACE: '5',
    ...environment,
  }
  const named = (what: string) => {
    count += 1
    return `${what}-${count}`
  }
  const judges = new Set<StatementInterceptor>()
  const judge =
    (name: string): StatementHandler =>
    async (asked) => {
      const program = [...programs.server, ...programs.runner].find((one) => one.name === name)
      if (program === undefined) return 'pass'
      for (const by of judges) {
        const verdict = await by(program, asked)
        if (verdict !== 'pass') return verdict
      }
      return 'pass'
    }
  const server: Cluster['addServer'] = (more = {}) =>
    retryStart(async () => {
      const name = named('server')
      const started = await startServer(stores, name, { ...env, ...more }, judge(name))
      programs.server.push(started)
      return started
    })
  const runner: Cluster['addRunner'] = (more = {}) =>
    retryStart(async () => {
      const name = named('runner')
      const started = await startRunner(stores, name, { ...env, ...more }, judge(name))
      programs.runner.push(started)
      return started
    })
  const living = () => [...programs.server, ...programs.runner].filter((one) => one.isAlive())
  const urls = () => programs.server.filter((one) => one.isAlive()).map(({ url }) => url)

  const cluster: Cluster = {
    seed,
    random,
    historyDir: dir,
    redisPrefix: prefix,
    datastores: stores,
    journal,
    processObserver: witness,
    servers: () => programs.server.filter((one) => one.isAlive()),
    runners: () => programs.runner.filter((one) => one.isAlive()),
    serverUrls: urls,
    addServer: server,
    addRunner: runner,
    openPages: (pages) => {
      for (let page = 1; page <= pages; page += 1)
        viewers.push(openPageClient(`page-${viewers.length + 1}`, urls, random.fork()))
    },
    requests: asked,
    interceptStatements: (by) => {
      judges.add(by)
      return () => void judges.delete(by)
    },
    scriptFile: (name) => join(dir, name),
    waitUntilQuiet: async (limitMs = 1000 * Number(process.env.FAULT_QUIET ?? 60)) => {
      const until = performance.now() + limitMs
      judges.clear()
      await stores.restoreAll()
      for (const program of living()) {
        program.postgres.thaw()
        program.redis.thaw()
        program.signal('SIGCONT')
      }
      if (cluster.servers().length === 0) await server()
      if (cluster.runners().length === 0) await runner()
      const patientUntil = performance.now() + 2000
      let calm = 0
      while (calm < 3 && performance.now() < until) {
        const [active, truth, pending] = await Promise.all([
          journal.active(),
          journal.deployments(),
          journal.pending(),
        ]).catch(() => [1, {}, []] as const)
        // Checks that are never done come again and again: only what nobody has taken for a while is waited for.
        const late = pending.some((one) => !one.hasActiveAction && (one.overdueMs === null || one.overdueMs > lateMs))
        const same = viewers.every((viewer) => isDeepStrictEqual(viewer.recorded().finalState, truth))
        const alive = new Set(witness.alive().map(({ action }) => action))
        calm = active === 0 && !late && same && alive.size === 0 ? calm + 1 : 0
        // Scripts that would go on for minutes; what hangs without a script is left as it is.
        if (performance.now() > patientUntil)
          for (const action of alive) await cancelAction(urls()[0], action).catch(() => {})
        await sleep(300)
      }
    },
    check: async () => {
      const told = await readScriptHistory(dir)
      // What the shell says of a child that was killed, and what Octopod notes, is on stderr.
      const stored = await journal.query(`select a.id::int, state, coalesce(string_agg(text, '' order by seq)
        filter (where state = 'succeeded' or stream = 'stdout'), '') as text
        from actions a left join action_output on action_id = id where finished_at is not null group by id`)
      const history: History = {
        ...emptyHistory(),
        ...told,
        ...(await witness.observations()),
        writes: await journal.writes(),
        requests: asked,
        retriesAllowed: env.INTERRUPTED_ACTIONS === 'retry',
        pages: viewers.map((viewer) => viewer.recorded()),
        deployments: await journal.deployments(),
        deletions: await journal.deletions(),
        pendingDeployments: await journal.pending(),
        outputs: stored.flatMap(({ id, state, text }) => {
          const action = Number(id)
          if (told.ownEnds.some((one) => one.action === action)) return []
          const printed = told.printed.get(action) ?? ''
          const ended = told.ends.some((one) => one.action === action)
          return [{ action, state: String(state), stored: String(text), printed, ended }]
        }),
      }
      return { history, violations: check(history) }
    },
    close: async () => {
      await witness.stop()
      for (const viewer of viewers) viewer.close()
      await stores.restoreAll().catch(() => {})
      await Promise.all(living().map((program) => program.stop()))
      await stores.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return cluster
}

/** As every platform does: a program that could not start, e.g. because its store was away too long, is started again. */
async function retryStart<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start()
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}
