/**
 * The steps of `npm start`: open the data folder, start PostgreSQL and Redis, migrate, start server and runner, and
 * stop all in reverse order. start.ts calls it with the real programs, its tests with fake ones.
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
  /** The arguments of Node for each program. */
  programs: Record<'migrate' | 'server' | 'runner', readonly string[]>
  print: (line: string) => void
  /** Stops everything in order. */
  stopSignal: AbortSignal
  /** Kills everything at once. */
  killSignal: AbortSignal
}

/**
 * Resolves after `stopSignal`, when all processes have ended. @throws UserError on a failure, after all processes have
 * ended
 */
export async function startAll(options: StartAllOptions): Promise<void> {
  const { environment, print, stopSignal, killSignal } = options
  const dataDir = openDataDir(environment.OCTOPOD_HOME || '.octopod')
  const unlock = acquireLock(dataDir.file('lock'), dataDir.path)
  const processManager = createProcessManager(dataDir, print)
  killSignal.addEventListener('abort', () => processManager.kill())

  const stopped: Promise<unknown> = stopSignal.aborted ? Promise.resolve() : once(stopSignal, 'abort')
  const startup = startInOrder(options, dataDir, processManager)
  // If the start is stopped halfway, its error does not matter.
  startup.catch(() => {})
  try {
    await Promise.race([stopped, startup.then(() => stopped), processManager.failed])
  } finally {
    if (stopSignal.aborted) print(stoppingMessage)
    await processManager.stop()
    unlock()
  }
}

async function startInOrder(
  { environment, programs, print }: StartAllOptions,
  dataDir: DataDir,
  processManager: ProcessManager,
): Promise<void> {
  // 1. Stop processes of an earlier start and choose the port of the server.
  await stopOrphans(dataDir.file('processes.json'), print)
  const address = await chooseListenAddress(environment)

  // 2. Start PostgreSQL and Redis, and write the shared settings.
  const datastores = await startDatastores(dataDir, processManager, environment, print)
  const shared = sharedSettings(dataDir, environment, { ...datastores, server: address })
  writeEnvironmentFile(dataDir, shared)

  // 3. Migrate the database, then start server and runner.
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

  // 4. Print how to use it.
  for (const line of readyMessage(dataDir, address, environment, shared)) print(line)
}
