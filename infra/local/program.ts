/** The programs of Octopod that `npm start` runs: migrate once, server and runner until the end. */
import { type Child, describeExit, startChild } from './child.ts'
import { openLog } from './log-file.ts'
import { Problem } from './problem.ts'
import { waitUntil } from './wait.ts'
import { lastWords } from './words.ts'

export type Program = {
  name: string
  /** What Node is called with: its options and the file. */
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  say: (line: string) => void
  /** How long it may take to end by itself after SIGTERM. */
  graceMs: number
}

const readyTimeoutMs = 60_000

/** Starts it and waits for a line that contains `mark`, then for `answers`. @throws Problem with its last words. */
export async function startProgram(
  program: Program,
  onSpawn: (child: Child) => void,
  mark: string,
  answers: () => Promise<boolean> = async () => true,
): Promise<Child> {
  let marked = false
  let ended = false
  const child = spawnProgram(program, onSpawn, (line) => {
    if (line.includes(mark)) marked = true
  })
  child.exited.then(() => {
    ended = true
  })
  const isReady = async () => marked && (await answers())
  if (await waitUntil(isReady, { timeoutMs: readyTimeoutMs, stop: () => ended })) return child
  const how = ended
    ? describeExit(await child.exited)
    : `was not ready after ${readyTimeoutMs / 1000} seconds`
  await child.stop()
  throw failed(program, child, how)
}

/** Runs it to its end. @throws Problem with its last words when it fails. */
export async function runProgram(program: Program, onSpawn: (child: Child) => void): Promise<void> {
  const child = spawnProgram(program, onSpawn, () => {})
  const exit = await child.exited
  if (exit.code !== 0) throw failed(program, child, describeExit(exit))
}

function spawnProgram(
  program: Program,
  onSpawn: (child: Child) => void,
  onLine: (line: string) => void,
): Child {
  const write = openLog(program.logFile, program.say)
  return startChild({
    name: program.name,
    file: process.execPath,
    args: program.args,
    env: program.env,
    goodbye: [{ signal: 'SIGTERM', waitMs: program.graceMs }],
    log: (line) => {
      write(line)
      onLine(line)
    },
    onSpawn,
  })
}

function failed(program: Program, child: Child, how: string): Problem {
  return new Problem(
    [`The ${program.name} ${how} (log: ${program.logFile}).`, ...lastWords(child)].join('\n'),
  )
}
