/**
 * Runs the programs of Octopod for `npm start`, each with a log file: migrate to its end, server and runner until they
 * are stopped.
 */
import {
  describeExit,
  type ProgramOptions,
  type RunningProgram,
  spawnProgram,
} from '../../../lib/node/spawn-program.ts'
import { ProgramStartError, startProgram } from '../../../lib/node/start-program.ts'
import { openLog } from '../log-file.ts'
import { lastOutputLines } from '../messages.ts'
import { UserError } from '../user-error.ts'

export type OctopodProgram = {
  name: string
  /** The arguments of Node: options and the file. */
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  print: (line: string) => void
  /** How long it may take to end after SIGTERM. */
  graceMs: number
}

type OnSpawn = (program: RunningProgram) => void

/**
 * Starts it and waits for a line that contains `readyText`, then for `isReady`. @throws UserError with its last lines.
 */
export async function startOctopodProgram(
  program: OctopodProgram,
  onSpawn: OnSpawn,
  readyText: string,
  isReady: () => Promise<boolean> = async () => true,
): Promise<RunningProgram> {
  try {
    return await startProgram({ ...optionsOf(program, onSpawn), readyText, isReady })
  } catch (error) {
    if (error instanceof ProgramStartError) throw programError(program, error.program, error.failure)
    throw error
  }
}

/** Runs it to its end. @throws UserError with its last lines when it fails. */
export async function runOctopodProgram(program: OctopodProgram, onSpawn: OnSpawn): Promise<void> {
  const running = spawnProgram(optionsOf(program, onSpawn))
  const exit = await running.exited
  if (exit.code !== 0) throw programError(program, running, describeExit(exit))
}

function optionsOf(program: OctopodProgram, onSpawn: OnSpawn): ProgramOptions {
  return {
    name: program.name,
    file: process.execPath,
    args: program.args,
    env: program.env,
    stopSequence: [{ signal: 'SIGTERM', waitMs: program.graceMs }],
    onLine: openLog(program.logFile, program.print),
    onSpawn,
  }
}

function programError(
  { name, logFile }: OctopodProgram,
  running: RunningProgram,
  failure: string,
): UserError {
  return new UserError([`The ${name} ${failure} (log: ${logFile}).`, ...lastOutputLines(running)].join('\n'))
}
