/**
 * Runs one script: starts it, passes on its output, terminates it at its time limit or when its signal aborts. The
 * result is a value, however the script ended. Called by execute-action.ts and run-script.ts; see also terminate.ts
 * and pipes.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { emptyResult, type ScriptResult } from '../../domain/actions.ts'
import type { EffectiveConfig } from '../../domain/script.ts'
import {
  configFileVariable,
  formatConfigFile,
  removeConfigFile,
  temporaryFolder,
  writeConfigFile,
} from './config-file.ts'
import { createGarbageCollector, type GarbageCollector, hasOutput, readPipes } from './pipes.ts'
import { createProcessTable, type ProcessTable } from './process-table.ts'
import { createProcessTree } from './process-tree.ts'
import { createMarker, markerVariable } from './script-marker.ts'
import { assertExecutable, configFileMessage, noNamespaceMessage, spawnErrorMessage } from './spawn-errors.ts'
import { createTermination } from './terminate.ts'
import type { Watchdog } from './watchdog.ts'

export type ProcessRequest = {
  file: string
  args: readonly string[]
  env: Record<string, string>
  timeoutMs: number
  /** The time between TERM and KILL. */
  killGraceMs: number
  /** Called for every piece of output. The pipe waits for a returned promise. */
  onOutput?: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void | Promise<void>
  /**
   * Aborting terminates the script. The abort reason is 'cancelled' or 'interrupted'; any other counts as
   * 'interrupted'.
   */
  signal?: AbortSignal
  /** Ends the script when this runner is lost. */
  watchdog?: Watchdog
  /** Identifies the processes of the script; created here when absent. */
  marker?: string
  /** These two are shared by all scripts of a runner. */
  processTable?: ProcessTable
  collectGarbage?: GarbageCollector
  /**
   * A program with arguments that starts the script and exits as the script does. It reports on descriptor 3 that the
   * script starts (pid-namespace.ts).
   */
  commandPrefix?: readonly string[]
  /** What the script prints to stderr goes into the pipe of stdout, in the order of arrival. */
  onePipe?: boolean
  /** Written to a private file, which OCTOPOD_CONFIG_FILE names and which is removed after the script. Null: no file. */
  configFile?: EffectiveConfig | null
}

/** How long output is read after the script has ended, when a child still holds its pipes open. */
const drainTimeoutMs = 2000
/** A longer timer fires at once. */
const maxTimerMs = 2 ** 31 - 1

/**
 * A script that cannot be started resolves with `error`. Rejects only with an error of `onOutput`: without its output
 * a script must not go on, so it is terminated first. The background children of a script that ends by itself keep
 * running.
 */
export async function runProcess(request: ProcessRequest): Promise<ScriptResult> {
  const { signal, onOutput, watchdog } = request
  const startedMs = performance.now()
  const resultWith = (fields: Partial<ScriptResult>): ScriptResult => ({
    ...emptyResult,
    ...fields,
    durationMs: Math.round(performance.now() - startedMs),
  })

  // First: start the script.
  if (signal?.aborted) return resultWith({ [abortReason(signal)]: true })
  const marker = request.marker ?? createMarker()
  const configText = request.configFile ? formatConfigFile(request.configFile) : null
  watchdog?.register(marker)
  const child = await spawnScript(request, marker, configText)
  if (typeof child === 'string') {
    if (configText !== null) removeConfigFile(marker)
    watchdog?.unregister(marker)
    return resultWith({ error: child })
  }
  watchdog?.setPid(marker, child.pid)

  // Then: wait until it ends. A time limit, an abort and an error of `onOutput` terminate it.
  const exitEvent = once(child, 'exit') as Promise<[number | null, string | null]>
  const tree = createProcessTree(request.processTable ?? createProcessTable(), [child.pid], marker)
  const termination = createTermination(tree, request.killGraceMs)
  const onOutputFailure = () => termination.start('interrupted')
  const collectGarbage = request.collectGarbage ?? createGarbageCollector()
  const pipes = readPipes(child, onOutput, onOutputFailure, collectGarbage)
  const isReady = waitForReadySignal(child)
  // TERM may have been sent before the script existed.
  void isReady.then((ready) => ready && termination.resend())
  const onAbort = () => signal && termination.start(abortReason(signal))
  const timer = setTimeout(() => termination.start('timedOut'), Math.min(request.timeoutMs, maxTimerMs))
  signal?.addEventListener('abort', onAbort, { once: true })
  // The signal may have aborted during the start.
  if (signal?.aborted) onAbort()
  const exit = await Promise.race([exitEvent, termination.killFailed])
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)

  // Finally: wait for the tree of a terminated script, and read the rest of the output.
  await termination.waitForTree()
  if (configText !== null) removeConfigFile(marker)
  watchdog?.unregister(marker)
  await pipes.drain(drainTimeoutMs)
  collectGarbage(argumentCopies * (totalLength(request.args) + (configText?.length ?? 0)))
  if (pipes.failure !== null) throw pipes.failure.error
  const reason = termination.reason === null ? {} : { [termination.reason]: true }
  if (exit === 'stuck')
    return resultWith({ ...reason, error: `The script ${request.file} did not end after KILL.` })
  if (termination.reason === null && !(await isReady))
    return resultWith({ error: noNamespaceMessage(request.file) })
  return resultWith({ ...reason, exitCode: exit[0], signal: exit[1] })
}

/** Runs a script and returns its output as text: at most `limitBytes` of each stream, the rest is dropped. */
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
    // `stream` omits a character that the limit has split. A character that the script itself has split becomes U+FFFD.
    new TextDecoder('utf-8', { ignoreBOM: true })
      .decode(Buffer.concat(kept[stream]), { stream: truncated && remainingBytes[stream] === 0 })
      .replaceAll('\0', '')
  return { result: { ...result, truncated }, stdout: text('stdout'), stderr: text('stderr') }
}

/** A query with a large config leaves at least so many copies: in its job, its hash, the keys of caches, the arguments. */
const argumentCopies = 4

const totalLength = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0)

function abortReason(signal: AbortSignal): 'cancelled' | 'interrupted' {
  return signal.reason === 'cancelled' ? 'cancelled' : 'interrupted'
}

/** Resolves to whether the script itself has started, which a command prefix reports on its own pipe. */
function waitForReadySignal({ stdio: [, , , readyPipe] }: ChildProcess): Promise<boolean> {
  return readyPipe instanceof Readable ? hasOutput(readyPipe) : Promise.resolve(true)
}

/**
 * The shell only connects the pipe and is replaced by the script: Node cannot give one pipe to two descriptors. It sees the
 * arguments of the script as they are.
 */
const onePipePrefix = ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1']

type SpawnedScript = ChildProcess & { pid: number }

/** Returns an error message when the script cannot be started; spawn throws some errors and emits others. */
async function spawnScript(
  { file, args, env, commandPrefix = [], onePipe = false, timeoutMs, killGraceMs }: ProcessRequest,
  marker: string,
  configText: string | null,
): Promise<SpawnedScript | string> {
  const ownEnv: Record<string, string> = { ...env, [markerVariable]: marker }
  try {
    const lifetimeMs = timeoutMs + killGraceMs
    if (configText !== null) ownEnv[configFileVariable] = writeConfigFile(marker, configText, lifetimeMs)
  } catch (error) {
    return configFileMessage(file, temporaryFolder(), error)
  }
  try {
    const prefix = [...commandPrefix, ...(onePipe ? onePipePrefix : [])]
    if (prefix.length > 0) assertExecutable(file)
    const [program = file, ...rest] = [...prefix, file, ...args]
    const child = spawn(program, rest, {
      env: ownEnv,
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
