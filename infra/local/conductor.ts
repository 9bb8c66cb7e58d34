/**
 * The story of `npm start`, from top to bottom: folder, engines, migrations, server and runner, and back again.
 * start.ts calls it with the real programs, its tests with stand-ins.
 */
import { once } from 'node:events'
import { type Crew, makeCrew } from './crew.ts'
import { startEngines } from './engines.ts'
import { programEnvironment, sharedSettings } from './environment.ts'
import { type Home, openHome, writeEnvironment } from './home.ts'
import { endLeftovers } from './leftovers.ts'
import { takeLock } from './lock.ts'
import { choosePage, isReady } from './page.ts'
import { type Program, runProgram, startProgram } from './program.ts'
import { greeting, stopping } from './words.ts'

export type Conduct = {
  environment: NodeJS.ProcessEnv
  /** What Node is called with for each. */
  programs: Record<'migrate' | 'server' | 'runner', readonly string[]>
  say: (line: string) => void
  /** Stop in order. */
  stop: AbortSignal
  /** End at once. */
  kill: AbortSignal
}

/** Resolves after `stop`, when all processes have ended. @throws Problem when it cannot go on; they have ended too. */
export async function conduct(given: Conduct): Promise<void> {
  const { environment, say, stop, kill } = given
  const home = openHome(environment.OCTOPOD_HOME || '.octopod')
  const unlock = takeLock(home.file('lock'), home.path)
  const crew = makeCrew(home, say)
  kill.addEventListener('abort', () => crew.kill())

  const stopped: Promise<unknown> = stop.aborted ? Promise.resolve() : once(stop, 'abort')
  const story = start(given, home, crew)
  // Stopped in its middle, the story fails by itself, and nobody wants to know.
  story.catch(() => {})
  try {
    await Promise.race([stopped, story.then(() => stopped), crew.broken])
  } finally {
    if (stop.aborted) say(stopping)
    await crew.stop()
    unlock()
  }
}

/** From nothing to ready. */
async function start({ environment, programs, say }: Conduct, home: Home, crew: Crew): Promise<void> {
  // First room: nobody of an earlier start, and a port for the page.
  await endLeftovers(home.file('processes.json'), say)
  const page = await choosePage(environment)

  // Then the engines, and what all programs must agree on.
  const engines = await startEngines(home, crew, environment, say)
  const shared = sharedSettings(home, environment, { ...engines, page })
  writeEnvironment(home, shared)

  // Then the programs: the database first.
  const program = (name: keyof typeof programs): Program => ({
    name: name === 'migrate' ? 'migration' : name,
    args: programs[name],
    env: programEnvironment(environment, shared, page),
    logFile: home.file(`logs/${name}.log`),
    say,
    graceMs: (Number(environment.SHUTDOWN_GRACE || 60) + 10) * 1000,
  })
  await runProgram(program('migrate'), crew.onSpawn)
  await Promise.all([
    crew.up('The server', (onSpawn) =>
      startProgram(program('server'), onSpawn, '"server ready"', () => isReady(page)),
    ),
    crew.up('The runner', (onSpawn) => startProgram(program('runner'), onSpawn, '"runner ready"')),
  ])

  // Finally the words.
  for (const line of greeting(home, page, environment)) say(line)
}
