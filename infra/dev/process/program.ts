/** The programs of Octopod that `npm start` runs: migrate once, server and runner until the end. */

import { openLog } from '../log-file.ts'
import { lastOutputLines } from '../messages.ts'
import { pollUntil } from '../poll.ts'
import { UserError } from '../user-error.ts'
import { type Child, describeExit, startChild } from './child-process.ts'

export type Program = {
  name: string
  /** What Node is called with: its options and the file. */
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  print: (line: string) => void
  /** How long it may take to end by itself after SIGTERM. */
  graceMs: number
}

const readyTimeoutMs = 60_000

/** Starts it and waits for a line that contains `mark`, then for `answers`. @throws Problem with its last words. */
export async function startProgram(
  program: Program,
  onSpawn: (child: Child) => void,
  readyText: string,
  isResponding: () => Promise<boolean> = async () => true,
): Promise<Child> {
  let hasReadyText = false
  let ended = false
  const child = spawnProgram(program, onSpawn, (line) => {
    if (line.includes(readyText)) hasReadyText = true
  })
  child.exited.then(() => {
    ended = true
  })
  const isReady = async () => hasReadyText && (await isResponding())
  if (await pollUntil(isReady, { timeoutMs: readyTimeoutMs, shouldStop: () => ended })) return child
  const failure = ended
    ? describeExit(await child.exited)
    : `was not ready after ${readyTimeoutMs / 1000} seconds`
  await child.stop()
  throw programError(program, child, failure)
}

/** Runs it to its end. @throws Problem with its last words when it fails. */
export async function runProgram(program: Program, onSpawn: (child: Child) => void): Promise<void> {
  const child = spawnProgram(program, onSpawn, () => {})
  const exit = await child.exited
  if (exit.code !== 0) throw programError(program, child, describeExit(exit))
}

function spawnProgram(
  program: Program,
  onSpawn: (child: Child) => void,
  onLine: (line: string) => void,
): Child {
  const writeLog = openLog(program.logFile, program.print)
  return startChild({
    name: program.name,
    file: process.execPath,
    args: program.args,
    env: program.env,
    stopSequence: [{ signal: 'SIGTERM', waitMs: program.graceMs }],
    log: (line) => {
      writeLog(line)
      onLine(line)
    },
    onSpawn,
  })
}

function programError(program: Program, child: Child, failure: string): UserError {
  return new UserError(
    [`The ${program.name} ${failure} (log: ${program.logFile}).`, ...lastOutputLines(child)].join('\n'),
  )
}
