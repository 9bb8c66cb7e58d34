/**
 * `npm start`: runs the whole system on this machine. This file handles signals, error messages and the exit code;
 * start-all.ts does the rest.
 */
import { type StdioOptions, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { exitOnHelp } from '../../lib/node/help.ts'
import { type StartAllOptions, startAll } from './start-all.ts'
import { userMessageOf } from './user-error.ts'

/** Under npm, Ctrl-C arrives twice: from the terminal and from npm. Signals within this time count as one. */
const sameKeyPressMs = 500

/** Runs until Ctrl-C. The exit code is 0, or 1 after an error, or 130 after a second Ctrl-C. */
export async function main(programs: StartAllOptions['programs']): Promise<void> {
  const stop = new AbortController()
  const kill = new AbortController()
  let firstAt: number | null = null
  const onSignal = () => {
    firstAt ??= performance.now()
    stop.abort()
    if (performance.now() - firstAt < sameKeyPressMs) return
    kill.abort()
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)

  // A closed terminal must not crash the process, because everything must still be stopped in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    const print = (line: string) => process.stdout.write(`${line}\n`)
    await startAll({
      environment: process.env,
      programs,
      print,
      stopSignal: stop.signal,
      killSignal: kill.signal,
    })
    process.exit(0)
  } catch (error) {
    console.error(userMessageOf(error) ?? error)
    process.exit(1)
  }
}

/** Prints only what is wrong. */
function buildPage(root: string): void {
  console.log('Building the page.')
  const options = { stdio: ['ignore', 'ignore', 'inherit'] as const satisfies StdioOptions }
  const { status, error } = spawnSync(process.execPath, [join(root, 'web/build/build-page.ts')], options)
  if (error !== undefined) throw error
  // Without a status a signal has ended it, as Ctrl-C does.
  if (status !== 0) process.exit(status ?? 130)
}

if (import.meta.main) {
  exitOnHelp(`npm start

Starts PostgreSQL, Redis, a server and a runner on this machine until Ctrl-C.
OCTOPOD_HOME (.octopod) is the folder of all data. DATABASE_URL and REDIS_URL replace the built-in servers.
HOST and PORT are the address to listen on. All settings of docs/settings.md apply.`)
  const root = join(import.meta.dirname, '../..')
  buildPage(root)
  await main({
    migrate: [join(root, 'db/migrate.ts')],
    server: [join(root, 'functions/server.ts')],
    // The same options as in package.json: a small young generation saves memory, because a runner mostly waits.
    runner: ['--max-semi-space-size=4', '--expose-gc', join(root, 'runner/main.ts')],
  })
}
