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
import { type Asked, emptyHistory, type History, type Violation } from '../checker/history.ts'
import { cancelAction } from './asking.ts'
import { type Journal, openJournal } from './journal.ts'
import type { Statement } from './pg-frames.ts'
import type { Judge, Verdict } from './pg-proxy.ts'
import { adminHeader, type Program, type Server, startRunner, startServer } from './programs.ts'
import { type Random, randomOf } from './random.ts'
import { type Stores, startStores } from './stores.ts'
import { type OpenViewer, openViewer } from './viewer.ts'
import { readScripts, type Witness, watchProcesses } from './witness.ts'

export type World = {
  seed: number
  random: Random
  dir: string
  /** Of every name in Redis. */
  prefix: string
  stores: Stores
  journal: Journal
  witness: Witness
  servers(): Server[]
  runners(): Program[]
  /** The addresses of the servers that live. */
  urls(): string[]
  server(more?: Record<string, string>): Promise<Server>
  runner(more?: Record<string, string>): Promise<Program>
  watch(pages: number): void
  /** Has a say about every statement of every program, also of those to come, until it is taken back. */
  judge(by: ProgramJudge): () => void
  /** Everything asked by any client: those who ask add to it. */
  asked: Asked[]
  /** A file that scripts look for. */
  file(name: string): string
  /** Everything is mended and waited for; rejects never: what is not done by then is for the check to say. */
  quiet(limitMs?: number): Promise<void>
  check(): Promise<{ history: History; violations: Violation[] }>
  close(): Promise<void>
}

/** Verdicts other than `pass` of whoever was first count. */
export type ProgramJudge = (program: Program, asked: Statement) => Verdict | Promise<Verdict>

/** A runner takes a check that is due at its next look. */
const lateMs = 1000

const prefix = 'fault'
const here = join(import.meta.dirname, '..')

/** `environment`: of all programs. */
export async function openWorld(seed: number, environment: Record<string, string> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-fault-'))
  // As root, PostgreSQL runs under another account, which must pass through.
  await chmod(folder, 0o711)
  const dir = join(folder, 'scripts')
  await mkdir(join(dir, 'locks'), { recursive: true })
  await writeFile(join(dir, 'history'), '')
  const stores = await startStores(folder)
  const journal = await openJournal(stores.postgres.url)
  const witness = watchProcesses(dir)
  const random = randomOf(seed)
  const programs: { server: Server[]; runner: Program[] } = { server: [], runner: [] }
  const viewers: OpenViewer[] = []
  const asked: Asked[] = []
  let count = 0

  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    REDIS_PREFIX: prefix,
    CONTROL_SCRIPTS_DIR: join(here, 'scripts'),
    OCTOPOD_FAULT_DIR: dir,
    OCTOPOD_FAULT_SHELF: join(here, '../scripts'),
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
  const judges = new Set<ProgramJudge>()
  const judge =
    (name: string): Judge =>
    async (asked) => {
      const program = [...programs.server, ...programs.runner].find((one) => one.name === name)
      if (program === undefined) return 'pass'
      for (const by of judges) {
        const verdict = await by(program, asked)
        if (verdict !== 'pass') return verdict
      }
      return 'pass'
    }
  const server: World['server'] = (more = {}) =>
    insisting(async () => {
      const name = named('server')
      const started = await startServer(stores, name, { ...env, ...more }, judge(name))
      programs.server.push(started)
      return started
    })
  const runner: World['runner'] = (more = {}) =>
    insisting(async () => {
      const name = named('runner')
      const started = await startRunner(stores, name, { ...env, ...more }, judge(name))
      programs.runner.push(started)
      return started
    })
  const living = () => [...programs.server, ...programs.runner].filter((one) => one.lives())
  const urls = () => programs.server.filter((one) => one.lives()).map(({ url }) => url)

  const world: World = {
    seed,
    random,
    dir,
    prefix,
    stores,
    journal,
    witness,
    servers: () => programs.server.filter((one) => one.lives()),
    runners: () => programs.runner.filter((one) => one.lives()),
    urls,
    server,
    runner,
    watch: (pages) => {
      for (let page = 1; page <= pages; page += 1)
        viewers.push(openViewer(`page-${viewers.length + 1}`, urls, random.part()))
    },
    asked,
    judge: (by) => {
      judges.add(by)
      return () => void judges.delete(by)
    },
    file: (name) => join(dir, name),
    quiet: async (limitMs = 1000 * Number(process.env.FAULT_QUIET ?? 60)) => {
      const until = performance.now() + limitMs
      judges.clear()
      await stores.mend()
      for (const program of living()) {
        program.postgres.thaw()
        program.redis.thaw()
        program.signal('SIGCONT')
      }
      if (world.servers().length === 0) await server()
      if (world.runners().length === 0) await runner()
      const patientUntil = performance.now() + 2000
      let calm = 0
      while (calm < 3 && performance.now() < until) {
        const [active, truth, pending] = await Promise.all([
          journal.active(),
          journal.truth(),
          journal.pending(),
        ]).catch(() => [1, {}, []] as const)
        // Checks that are never done come again and again: only what nobody has taken for a while is waited for.
        const late = pending.some((one) => !one.active && (one.overdueMs === null || one.overdueMs > lateMs))
        const same = viewers.every((viewer) => isDeepStrictEqual(viewer.seen().atTheEnd, truth))
        const alive = new Set(witness.alive().map(({ action }) => action))
        calm = active === 0 && !late && same && alive.size === 0 ? calm + 1 : 0
        // Scripts that would go on for minutes; what hangs without a script is left as it is.
        if (performance.now() > patientUntil)
          for (const action of alive) await cancelAction(urls()[0], action).catch(() => {})
        await sleep(300)
      }
    },
    check: async () => {
      const told = await readScripts(dir)
      // What the shell says of a child that was killed, and what Octopod notes, is on stderr.
      const stored = await journal.query(`select a.id::int, state, coalesce(string_agg(text, '' order by seq)
        filter (where state = 'succeeded' or stream = 'stdout'), '') as text
        from actions a left join action_output on action_id = id where finished_at is not null group by id`)
      const history: History = {
        ...emptyHistory(),
        ...told,
        ...(await witness.seen()),
        writes: await journal.writes(),
        asked,
        mayRetry: env.INTERRUPTED_ACTIONS === 'retry',
        viewers: viewers.map((viewer) => viewer.seen()),
        truth: await journal.truth(),
        gone: await journal.gone(),
        pending: await journal.pending(),
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
      await stores.mend().catch(() => {})
      await Promise.all(living().map((program) => program.stop()))
      await stores.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return world
}

/** As every platform does: a program that could not start, e.g. because its store was away too long, is started again. */
async function insisting<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start()
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}
