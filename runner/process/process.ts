/**
 * Runs one script to its end: spawns it, hands on its output, ends it when its time is up or its signal aborts.
 * Called by the conductor (perform) and by answer, watch and notify; hands back a ScriptResult as a value (law 6).
 * Ending a script is in terminate.ts, its pipes are in pipes.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { emptyResult, type ScriptResult } from '../../domain/actions.ts'
import { hasOutput, readPipes } from './pipes.ts'
import { markerVariable } from './process-tree.ts'
import { assertExecutable, noNamespaceMessage, spawnErrorMessage } from './spawn-errors.ts'
import { createTermination } from './terminate.ts'
import type { Watchdog } from './watchdog.ts'

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
  watchdog?: Watchdog
  /** what its processes are known by; made here when not given */
  marker?: string
  /** a program and arguments that the script is started through, which ends as the script does and tells on descriptor 3 that there
   * is one (pid-namespace.ts) */
  commandPrefix?: readonly string[]
}

/** How long a script that ended may leave its pipes open, e.g. by a child that inherited them. */
const drainTimeoutMs = 2000
/** A longer timer would fire at once. */
const maxTimerMs = 2 ** 31 - 1

/**
 * Never rejects for what a script does: one that cannot be started resolves with `problem`. Rejects with the
 * error of `onOutput` alone: what cannot be kept cannot be vouched for, so the script is ended first, and
 * the rejection comes when its group is dead. A script that ends by itself leaves its background children alone.
 */
export async function runProcess(request: ProcessRequest): Promise<ScriptResult> {
  const { signal, onOutput, watchdog } = request
  const startedMs = performance.now()
  const result = (facts: Partial<ScriptResult>): ScriptResult => ({
    ...emptyResult,
    ...facts,
    durationMs: Math.round(performance.now() - startedMs),
  })

  // First: start it, unless nobody wants it any more.
  if (signal?.aborted) return result({ [abortReason(signal)]: true })
  const marker = request.marker ?? createMarker()
  watchdog?.register(marker)
  const child = await spawnScript(request, marker)
  if (typeof child === 'string') {
    watchdog?.unregister(marker)
    return result({ error: child })
  }
  watchdog?.setPid(marker, child.pid)

  // Then: let it run until it ends, or its time is up, or it is no longer wanted, or its output has no place.
  const exitEvent = once(child, 'exit') as Promise<[number | null, string | null]>
  const termination = createTermination({ pid: child.pid, marker }, request.killGraceMs)
  const pipes = readPipes(child, onOutput, () => termination.start('interrupted'))
  const isReady = waitForReadySignal(child)
  // Who was asked to end before there was anybody to hear it is asked again.
  void isReady.then((is) => is && termination.resend())
  const onAbort = () => signal && termination.start(abortReason(signal))
  const timer = setTimeout(() => termination.start('timedOut'), Math.min(request.timeoutMs, maxTimerMs))
  signal?.addEventListener('abort', onAbort, { once: true })
  // It was still wanted when we began to start it.
  if (signal?.aborted) onAbort()
  const exit = await Promise.race([exitEvent, termination.killFailed])
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)

  // Finally: one that was asked to end takes all it started along; what is still in the pipes is read.
  await termination.waitForTree()
  watchdog?.unregister(marker)
  await pipes.drain(drainTimeoutMs)
  if (pipes.failure !== null) throw pipes.failure.error
  const reason = termination.reason === null ? {} : { [termination.reason]: true }
  if (exit === 'stuck')
    return result({ ...reason, error: `The script ${request.file} did not end when killed.` })
  if (termination.reason === null && !(await isReady))
    return result({ error: noNamespaceMessage(request.file) })
  return result({ ...reason, exitCode: exit[0], signal: exit[1] })
}

/** A name nobody else has, in characters that a shell takes as they are. */
export const createMarker = (): string => randomBytes(9).toString('base64url')

/** For scripts whose answer is a text: at most `limitBytes` of each stream are kept, the rest is read and dropped. */
export async function collectOutput(
  request: Omit<ProcessRequest, 'onOutput'>,
  limitBytes: number,
): Promise<{ result: ScriptResult; stdout: string; stderr: string }> {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const remainingBytes = { stdout: limitBytes, stderr: limitBytes }
  let truncated = false
  const onOutput = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => {
    if (bytes.length > remainingBytes[stream]) truncated = true
    if (remainingBytes[stream] > 0) kept[stream].push(bytes.subarray(0, remainingBytes[stream]))
    remainingBytes[stream] -= Math.min(bytes.length, remainingBytes[stream])
  }
  const result = await runProcess({ ...request, onOutput })
  const text = (stream: 'stdout' | 'stderr') =>
    // `stream` leaves out a character that the limit has cut; a script that cut one itself gets its U+FFFD.
    new TextDecoder('utf-8', { ignoreBOM: true })
      .decode(Buffer.concat(kept[stream]), { stream: truncated && remainingBytes[stream] === 0 })
      .replaceAll('\0', '')
  return { result: { ...result, truncated }, stdout: text('stdout'), stderr: text('stderr') }
}

function abortReason(signal: AbortSignal): 'cancelled' | 'interrupted' {
  return signal.reason === 'cancelled' ? 'cancelled' : 'interrupted'
}

/** Whether there is a process for the script itself: one that is started through another tells so. */
function waitForReadySignal({ stdio: [, , , readyPipe] }: ChildProcess): Promise<boolean> {
  return readyPipe instanceof Readable ? hasOutput(readyPipe) : Promise.resolve(true)
}

type SpawnedScript = ChildProcess & { pid: number }

/** Some errors are thrown by spawn, others are emitted: both become the words of `problem`. */
async function spawnScript(
  { file, args, env, commandPrefix = [] }: ProcessRequest,
  marker: string,
): Promise<SpawnedScript | string> {
  try {
    // Whoever starts it for us has not our words for what cannot be started.
    if (commandPrefix.length > 0) assertExecutable(file)
    const [program = file, ...rest] = [...commandPrefix, file, ...args]
    const child = spawn(program, rest, {
      env: { ...env, [markerVariable]: marker },
      stdio: ['ignore', 'pipe', 'pipe', ...(commandPrefix.length > 0 ? (['pipe'] as const) : [])],
      detached: true,
    })
    if (child.pid !== undefined) return child as SpawnedScript
    const [error] = await once(child, 'spawn').catch((error: unknown) => [error])
    return spawnErrorMessage(file, error)
  } catch (error) {
    return spawnErrorMessage(file, error)
  }
}
