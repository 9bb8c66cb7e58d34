/**
 * Starts a program and waits until it is ready: until a line of its output contains a text, and until a check
 * succeeds where one is given. Called by `npm start`, the embedded datastores, the test cluster, the tests
 * and the bench.
 */
import { pollUntil } from './poll-until.ts'
import { describeExit, type ProgramOptions, type RunningProgram, spawnProgram } from './spawn-program.ts'

export type ReadyOptions = {
  /** A line with this text says that the program is ready. Default: no line is needed. */
  readyText?: string
  /** Is called repeatedly once the line is there; true means ready. */
  isReady?: (program: RunningProgram) => boolean | Promise<boolean>
  /** Default: 60 s. */
  readyTimeoutMs?: number
}

export type ReadyProgram = RunningProgram & {
  /** The line that contained `readyText`. */
  readyLine: string
}

/** The program exited, could not be spawned, or was not ready in time. It is no longer running. */
export class ProgramStartError extends Error {
  override name = 'ProgramStartError'
  readonly program: RunningProgram
  /** "ended with code 1", "was not ready after 60 seconds" … */
  readonly failure: string
  constructor(program: RunningProgram, failure: string) {
    super([`${program.name} ${failure}`, ...program.lastLines()].join('\n'))
    this.program = program
    this.failure = failure
  }
}

/** @throws ProgramStartError; the program has been stopped. */
export async function startProgram(options: ProgramOptions & ReadyOptions): Promise<ReadyProgram> {
  const { readyText, isReady = () => true, readyTimeoutMs = 60_000 } = options
  let readyLine = readyText === undefined ? '' : null
  const program = spawnProgram({
    ...options,
    onLine: (line) => {
      if (readyText !== undefined && line.includes(readyText)) readyLine ??= line
      options.onLine(line)
    },
  })
  const ready = await pollUntil(async () => readyLine !== null && (await isReady(program)), {
    timeoutMs: readyTimeoutMs,
    shouldStop: () => !program.isRunning(),
  })
  if (ready) return { ...program, readyLine: readyLine ?? '' }
  const failure = program.isRunning()
    ? `was not ready after ${readyTimeoutMs / 1000} seconds`
    : describeExit(await program.exited)
  await program.stop()
  throw new ProgramStartError(program, failure)
}
