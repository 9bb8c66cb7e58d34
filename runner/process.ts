/**
 * Runs one script to its end: spawns it, hands on its output, ends it when its time is up or its signal aborts.
 * Called by the conductor (perform) and by answer, watch and notify; hands back a ScriptResult as a value (law 6).
 * Ending a script is in ending.ts, its pipes are in pipes.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { nothingRan, type ScriptResult } from '../domain/action.ts'
import { createEnding } from './ending.ts'
import { readPipes, saysAnything } from './pipes.ts'
import { demandStartable, noNamespace, problemOf } from './problem.ts'
import type { Supervisor } from './supervise.ts'
import { markName } from './tree.ts'

export type ProcessRequest = {
  file: string
  args: readonly string[]
  env: Record<string, string>
  timeoutMs: number
  /** how long after TERM the group is sent KILL */
  killGraceMs: number
  /** called for every piece of output; a returned promise holds the pipe back */
  onOutput?: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void | Promise<void>
  /** aborting ends the script; the reason is 'cancelled' or 'interrupted' (anything else counts as the latter) */
  signal?: AbortSignal
  /** ends the script if this runner is lost */
  supervisor?: Supervisor
  /** what its processes are known by; made here when not given */
  mark?: string
  /** a program and arguments that the script is started through, which ends as the script does and tells on descriptor 3 that there
   * is one (namespace.ts) */
  through?: readonly string[]
}

/** How long a script that ended may leave its pipes open, e.g. by a child that inherited them. */
const drainMs = 2000
/** A longer timer would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Never rejects for what a script does: one that cannot be started resolves with `problem`. Rejects with the
 * error of `onOutput` alone: what cannot be kept cannot be vouched for, so the script is ended first, and
 * the rejection comes when its group is dead. A script that ends by itself leaves its background children alone.
 */
export async function runProcess(request: ProcessRequest): Promise<ScriptResult> {
  const { signal, onOutput, supervisor } = request
  const startedMs = performance.now()
  const result = (facts: Partial<ScriptResult>): ScriptResult => ({
    ...nothingRan,
    ...facts,
    durationMs: Math.round(performance.now() - startedMs),
  })

  // First: start it, unless nobody wants it any more.
  if (signal?.aborted) return result({ [reasonOf(signal)]: true })
  const mark = request.mark ?? newMark()
  supervisor?.start(mark)
  const child = await start(request, mark)
  if (typeof child === 'string') {
    supervisor?.end(mark)
    return result({ problem: child })
  }
  supervisor?.is(mark, child.pid)

  // Then: let it run until it ends, or its time is up, or it is no longer wanted, or its output has no place.
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  const ending = createEnding({ pid: child.pid, mark }, request.killGraceMs)
  const pipes = readPipes(child, onOutput, () => ending.begin('interrupted'))
  const isThere = thereOf(child)
  // Who was asked to end before there was anybody to hear it is asked again.
  void isThere.then((is) => is && ending.remind())
  const onAbort = () => signal && ending.begin(reasonOf(signal))
  const timer = setTimeout(() => ending.begin('timedOut'), Math.min(request.timeoutMs, longestTimerMs))
  signal?.addEventListener('abort', onAbort, { once: true })
  // It was still wanted when we began to start it.
  if (signal?.aborted) onAbort()
  const exit = await Promise.race([exited, ending.stuck])
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)

  // Finally: one that was asked to end takes all it started along; what is still in the pipes is read.
  await ending.finish()
  supervisor?.end(mark)
  await pipes.drain(drainMs)
  if (pipes.failure !== null) throw pipes.failure.error
  const reason = ending.reason === null ? {} : { [ending.reason]: true }
  if (exit === 'stuck')
    return result({ ...reason, problem: `The script ${request.file} did not end when killed.` })
  if (ending.reason === null && !(await isThere)) return result({ problem: noNamespace(request.file) })
  return result({ ...reason, exitCode: exit[0], signal: exit[1] })
}

/** A name nobody else has, in characters that a shell takes as they are. */
export const newMark = (): string => randomBytes(9).toString('base64url')

/** For scripts whose answer is a text: at most `limitBytes` of each stream are kept, the rest is read and dropped. */
export async function collect(
  request: Omit<ProcessRequest, 'onOutput'>,
  limitBytes: number,
): Promise<{ result: ScriptResult; stdout: string; stderr: string }> {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const room = { stdout: limitBytes, stderr: limitBytes }
  let truncated = false
  const onOutput = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => {
    if (bytes.length > room[stream]) truncated = true
    if (room[stream] > 0) kept[stream].push(bytes.subarray(0, room[stream]))
    room[stream] -= Math.min(bytes.length, room[stream])
  }
  const result = await runProcess({ ...request, onOutput })
  const text = (stream: 'stdout' | 'stderr') =>
    // `stream` leaves out a character that the limit has cut; a script that cut one itself gets its U+FFFD.
    new TextDecoder('utf-8', { ignoreBOM: true })
      .decode(Buffer.concat(kept[stream]), { stream: truncated && room[stream] === 0 })
      .replaceAll('\0', '')
  return { result: { ...result, truncated }, stdout: text('stdout'), stderr: text('stderr') }
}

function reasonOf(signal: AbortSignal): 'cancelled' | 'interrupted' {
  return signal.reason === 'cancelled' ? 'cancelled' : 'interrupted'
}

/** Whether there is a process for the script itself: one that is started through another tells so. */
function thereOf({ stdio: [, , , teller] }: ChildProcess): Promise<boolean> {
  return teller instanceof Readable ? saysAnything(teller) : Promise.resolve(true)
}

type Started = ChildProcess & { pid: number }

/** Some errors are thrown by spawn, others are emitted: both become the words of `problem`. */
async function start(
  { file, args, env, through = [] }: ProcessRequest,
  mark: string,
): Promise<Started | string> {
  try {
    // Whoever starts it for us has not our words for what cannot be started.
    if (through.length > 0) demandStartable(file)
    const [program = file, ...rest] = [...through, file, ...args]
    const child = spawn(program, rest, {
      env: { ...env, [markName]: mark },
      stdio: ['ignore', 'pipe', 'pipe', ...(through.length > 0 ? (['pipe'] as const) : [])],
      detached: true,
    })
    if (child.pid !== undefined) return child as Started
    const [error] = await once(child, 'spawn').catch((error: unknown) => [error])
    return problemOf(file, error)
  } catch (error) {
    return problemOf(file, error)
  }
}
