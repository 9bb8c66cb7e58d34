/**
 * Runs one control script by name, with the limits and the environment of this installation, and collects its output.
 * Called by everything that reads the output of a script; execute-action.ts only takes the request from here.
 */
import type { ScriptResult } from '../../domain/actions.ts'
import { lastLines, scriptFailure } from '../../domain/failures/explain-failure.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import {
  type EffectiveConfig,
  lifecycleInput,
  type ScriptInput,
  type ScriptName,
  scripts as scriptTable,
} from '../../domain/script.ts'
import { secretValues } from '../../domain/secrets/secret-values.ts'
import type { RunnerContext } from '../context.ts'
import { maskSecrets } from '../output/redact.ts'
import { createSecretPatterns, type SecretPatterns } from '../output/secret-patterns.ts'
import { collectOutput, type ProcessRequest } from '../process/process.ts'

/** More output on stdout or on stderr is dropped. */
const maxOutputBytes = 1024 * 1024

type RunOptions = {
  timeoutMs?: number
  signal?: AbortSignal
  marker?: string
  /** Variables beside those that every script sees. */
  extraEnvironment?: Record<string, string>
}
export type ScriptRun = {
  result: ScriptResult
  stdout: string
  stderr: string
  /** Why the run counts as failed. Secrets are masked. Null after a success. */
  failure: Failure | null
  /** Masks the secret values of the config that the script received. */
  mask(text: string): string
}

const emptyConfig: EffectiveConfig = { application: [], deployment: [] }

/** `config`: the config in `input`, whose secrets are masked in messages. */
export async function runScript(
  context: RunnerContext,
  script: ScriptName,
  input: ScriptInput,
  options: RunOptions = {},
  config = emptyConfig,
): Promise<ScriptRun> {
  const collected = await collectOutput(buildRequest(context, script, input, options), maxOutputBytes)
  // Most runs mask nothing.
  let patterns: SecretPatterns | undefined
  const mask = (text: string) => {
    patterns ??= createSecretPatterns(secretsFor(context, config))
    return maskSecrets(text, patterns)
  }
  return { ...collected, mask, failure: explainRun(context, script, collected, mask, options) }
}

/** The secrets that a script with this config may print. */
export function secretsFor({ secretKeys, environment }: RunnerContext, config: EffectiveConfig): string[] {
  const pairs = [...config.application, ...config.deployment, ...Object.entries(environment)]
  return secretValues(pairs, secretKeys.pattern())
}

/** Runs a script that receives the name and the config of a deployment. */
export async function runDeploymentScript(
  context: RunnerContext,
  script: ScriptName,
  name: string,
  config: EffectiveConfig,
  options: RunOptions = {},
): Promise<ScriptRun> {
  const input = lifecycleInput(context.scripts.manifest, context.project, name, config)
  return runScript(context, script, input, options, config)
}

export function buildRequest(
  {
    settings,
    scripts,
    environment,
    commandPrefix,
    watchdog,
    processTable,
    collectGarbage,
    shutdownSignal,
  }: RunnerContext,
  script: ScriptName,
  { args, configFile }: ScriptInput,
  { timeoutMs, signal, marker, extraEnvironment }: RunOptions = {},
): Omit<ProcessRequest, 'onOutput'> {
  const file = scripts.path(script)
  if (file === null) throw new TypeError(`there is no ${script} script`)
  return {
    file,
    args,
    configFile,
    env: { ...environment, ...extraEnvironment },
    commandPrefix,
    onePipe: scripts.manifest.onePipe && scriptTable[script].onePipe,
    timeoutMs: timeoutMs ?? settings.CONTROL_SCRIPT_TIMEOUT,
    killGraceMs: settings.KILL_GRACE,
    signal: signal ? AbortSignal.any([signal, shutdownSignal]) : shutdownSignal,
    watchdog,
    processTable,
    collectGarbage,
    ...(marker === undefined ? {} : { marker }),
  }
}

type Collected = Awaited<ReturnType<typeof collectOutput>>

function explainRun(
  { settings }: RunnerContext,
  script: ScriptName,
  { result, stdout, stderr }: Collected,
  mask: (text: string) => string,
  { timeoutMs }: RunOptions,
): Failure | null {
  if (result.exitCode === 0 && result.error === null && !result.timedOut && !result.truncated) return null
  // Masked before it is cut, because half a secret would not be recognised.
  const output = lastLines({ stdout: mask(stdout), stderr: mask(stderr) })
  const explain = (message: string): Failure => ({ what: 'script', script, message, hint: null, output })
  if (result.cancelled || result.interrupted) return explain(`The ${script} script was stopped.`)
  if (result.exitCode === 0 && result.truncated)
    return explain(`The ${script} script printed more than ${maxOutputBytes} bytes.`)
  const timeLimit =
    timeoutMs === undefined
      ? { setting: 'CONTROL_SCRIPT_TIMEOUT', ms: settings.CONTROL_SCRIPT_TIMEOUT }
      : { setting: script === 'config_check' ? 'CONFIG_CHECK_TIMEOUT' : 'CHECK_TIMEOUT', ms: timeoutMs }
  return scriptFailure({ script, result, timeLimit, output })
}

/** The failure of a script whose answer cannot be read. `error` says where. */
export function unreadableOutput(
  script: ScriptName,
  mask: (text: string) => string,
  error: unknown,
): Failure {
  const message = `The output of the ${script} script cannot be read.`
  const output = lastLines({
    stdout: '',
    stderr: mask(error instanceof Error ? error.message : String(error)),
  })
  return { what: 'script', script, message, hint: null, output }
}
