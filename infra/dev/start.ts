/**
 * `npm start`: the whole system on this machine. Hands to the conductor; answers for signals, for the one
 * sentence a problem gets, and for the exit code.
 */
import { join } from 'node:path'
import { type StartAllOptions, startAll } from './start-all.ts'
import { userMessageOf } from './user-error.ts'

/** Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. */
const sameKeyPressMs = 500

/** Runs until Ctrl-C; the exit code is 0 then, 1 after a problem. */
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

  // Nobody reads any more (the terminal is closed): it is no reason to fall over instead of stopping in order.
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

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  await main({
    migrate: [join(root, 'db/migrate.ts')],
    server: [join(root, 'functions/server.ts')],
    // As in package.json: a runner waits most of its life, and a small young generation keeps it small.
    runner: ['--max-semi-space-size=4', '--expose-gc', join(root, 'runner/main.ts')],
  })
}
