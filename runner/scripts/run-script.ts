/** Runs one control script by its name with this installation's limits. Called by answer, perform, watch, notify. */
import type { ScriptResult } from '../../domain/actions.ts'
import { type EffectiveConfig, lifecycleArguments, type ScriptName } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { maskSecrets, secretValues } from '../output/redact.ts'
import { collectOutput, type ProcessRequest } from '../process/process.ts'

/** What is kept of each stream of a script whose answer is read, in bytes. */
const maxOutputBytes = 1024 * 1024
const maxFailureLength = 2000

type RunOptions = { timeoutMs?: number; signal?: AbortSignal }
export type ScriptRun = {
  result: ScriptResult
  stdout: string
  stderr: string
  /** Why it counts as failed, in words with its last output, secrets masked: everybody may read them. Null: it succeeded. */
  failure: string | null
  /** Masks what is secret in this script's config. */
  mask(text: string): string
}

const emptyConfig: EffectiveConfig = { application: [], deployment: [] }

/** Runs a script whose answer is read. `config`: what its arguments tell, for what may be secret in it. */
export async function runScript(
  context: RunnerContext,
  script: ScriptName,
  args: string[],
  options: RunOptions = {},
  config = emptyConfig,
): Promise<ScriptRun> {
  const collected = await collectOutput(buildRequest(context, script, args, options), maxOutputBytes)
  const mask = (text: string) =>
    maskSecrets(text, secretValues(config, context.settings.SECRET_KEYS, context.environment))
  return { ...collected, mask, failure: describeFailure(script, collected, mask) }
}

/** The same for one that is told about a deployment. */
export async function runDeploymentScript(
  context: RunnerContext,
  script: ScriptName,
  name: string,
  config: EffectiveConfig,
  options: RunOptions = {},
): Promise<ScriptRun> {
  return runScript(context, script, lifecycleArguments(context.project, name, config), options, config)
}

export function buildRequest(
  { settings, scripts, environment, commandPrefix, watchdog, shutdownSignal }: RunnerContext,
  script: ScriptName,
  args: string[],
  { timeoutMs, signal }: RunOptions = {},
): Omit<ProcessRequest, 'onOutput'> {
  const file = scripts.path(script)
  if (file === null) throw new TypeError(`there is no ${script} script`)
  return {
    file,
    args,
    env: environment,
    commandPrefix,
    timeoutMs: timeoutMs ?? settings.CONTROL_SCRIPT_TIMEOUT,
    killGraceMs: settings.KILL_GRACE,
    signal: signal ? AbortSignal.any([signal, shutdownSignal]) : shutdownSignal,
    watchdog,
  }
}

type Collected = Awaited<ReturnType<typeof collectOutput>>

function describeFailure(
  script: ScriptName,
  { result, stdout, stderr }: Collected,
  mask: (text: string) => string,
): string | null {
  if (result.exitCode === 0 && result.error === null && !result.timedOut && !result.truncated) return null
  // Masked before it is cut: half a secret would be shown.
  const lastOutput = mask(stderr.trim() || stdout.trim()).slice(-maxFailureLength)
  return `The ${script} script ${describeExit(result)}${lastOutput ? `: ${lastOutput}` : '.'}`
}

function describeExit(result: ScriptResult): string {
  if (result.error !== null) return `failed (${result.error})`
  if (result.timedOut) return `was stopped after ${result.durationMs} ms`
  if (result.cancelled || result.interrupted) return 'was stopped'
  if (result.signal !== null) return `was ended by ${result.signal}`
  if (result.exitCode === 0) return `printed more than ${maxOutputBytes} bytes`
  return `failed with exit code ${result.exitCode}`
}
