/**
 * The story of `npm start`, from top to bottom: folder, engines, migrations, server and runner, and back again.
 * start.ts calls it with the real programs, its tests with stand-ins.
 */
import { once } from 'node:events'
import { type DataDir, openDataDir, writeEnvironmentFile } from './data-dir.ts'
import { startDatastores } from './datastores.ts'
import { programEnvironment, sharedSettings } from './environment.ts'
import { chooseListenAddress, isServerReady } from './listen-address.ts'
import { acquireLock } from './lock.ts'
import { readyMessage, stoppingMessage } from './messages.ts'
import { stopOrphans } from './process/orphans.ts'
import { createProcessManager, type ProcessManager } from './process/process-manager.ts'
import { type OctopodProgram, runOctopodProgram, startOctopodProgram } from './process/program.ts'

export type StartAllOptions = {
  environment: NodeJS.ProcessEnv
  /** What Node is called with for each. */
  programs: Record<'migrate' | 'server' | 'runner', readonly string[]>
  print: (line: string) => void
  /** Stop in order. */
  stopSignal: AbortSignal
  /** End at once. */
  killSignal: AbortSignal
}

/** Resolves after `stop`, when all processes have ended. @throws Problem when it cannot go on; they have ended too. */
export async function startAll(options: StartAllOptions): Promise<void> {
  const { environment, print, stopSignal, killSignal } = options
  const dataDir = openDataDir(environment.OCTOPOD_HOME || '.octopod')
  const unlock = acquireLock(dataDir.file('lock'), dataDir.path)
  const processManager = createProcessManager(dataDir, print)
  killSignal.addEventListener('abort', () => processManager.kill())

  const stopped: Promise<unknown> = stopSignal.aborted ? Promise.resolve() : once(stopSignal, 'abort')
  const startup = startInOrder(options, dataDir, processManager)
  // Stopped in its middle, the story fails by itself, and nobody wants to know.
  startup.catch(() => {})
  try {
    await Promise.race([stopped, startup.then(() => stopped), processManager.failed])
  } finally {
    if (stopSignal.aborted) print(stoppingMessage)
    await processManager.stop()
    unlock()
  }
}

/** From nothing to ready. */
async function startInOrder(
  { environment, programs, print }: StartAllOptions,
  dataDir: DataDir,
  processManager: ProcessManager,
): Promise<void> {
  // First room: nobody of an earlier start, and a port for the page.
  await stopOrphans(dataDir.file('processes.json'), print)
  const address = await chooseListenAddress(environment)

  // Then the engines, and what all programs must agree on.
  const datastores = await startDatastores(dataDir, processManager, environment, print)
  const shared = sharedSettings(dataDir, environment, { ...datastores, server: address })
  writeEnvironmentFile(dataDir, shared)

  // Then the programs: the database first.
  const program = (name: keyof typeof programs): OctopodProgram => ({
    name: name === 'migrate' ? 'migration' : name,
    args: programs[name],
    env: programEnvironment(environment, shared, address),
    logFile: dataDir.file(`logs/${name}.log`),
    print,
    graceMs: (Number(environment.SHUTDOWN_GRACE || 60) + 10) * 1000,
  })
  await runOctopodProgram(program('migrate'), processManager.onSpawn)
  await Promise.all([
    processManager.start('The server', (onSpawn) =>
      startOctopodProgram(program('server'), onSpawn, '"server ready"', () => isServerReady(address)),
    ),
    processManager.start('The runner', (onSpawn) =>
      startOctopodProgram(program('runner'), onSpawn, '"runner ready"'),
    ),
  ])

  // Finally the words.
  for (const line of readyMessage(dataDir, address, environment)) print(line)
}
