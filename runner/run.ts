/** Runs one control script by its name with this installation's limits. Called by answer, perform, watch, notify. */
import type { ScriptResult } from '../domain/action.ts'
import { type EffectiveConfig, lifecycleArguments, type ScriptName } from '../domain/script.ts'
import { collect, type ProcessRequest } from './process.ts'
import { masked, secretsOf } from './redact.ts'
import type { Workshop } from './workshop.ts'

/** What is kept of each stream of a script whose answer is read, in bytes. */
const answerBytes = 1024 * 1024
const wordsLength = 2000

type Limits = { timeoutMs?: number; signal?: AbortSignal }
export type Asked = {
  result: ScriptResult
  stdout: string
  stderr: string
  /** Why it counts as failed, in words with its last output, secrets masked: everybody may read them. Null: it succeeded. */
  failure: string | null
  /** Masks what is secret in this script's config. */
  mask(text: string): string
}

const noConfig: EffectiveConfig = { application: [], deployment: [] }

/** Runs a script whose answer is read. `config`: what its arguments tell, for what may be secret in it. */
export async function ask(
  workshop: Workshop,
  script: ScriptName,
  args: string[],
  limits: Limits = {},
  config = noConfig,
): Promise<Asked> {
  const collected = await collect(request(workshop, script, args, limits), answerBytes)
  const mask = (text: string) =>
    masked(text, secretsOf(config, workshop.settings.SECRET_KEYS, workshop.environment))
  return { ...collected, mask, failure: failureOf(script, collected, mask) }
}

/** The same for one that is told about a deployment. */
export async function askAbout(
  workshop: Workshop,
  script: ScriptName,
  name: string,
  config: EffectiveConfig,
  limits: Limits = {},
): Promise<Asked> {
  return ask(workshop, script, lifecycleArguments(workshop.project, name, config), limits, config)
}

export function request(
  { settings, scripts, environment, through, supervisor, closing }: Workshop,
  script: ScriptName,
  args: string[],
  { timeoutMs, signal }: Limits = {},
): Omit<ProcessRequest, 'onOutput'> {
  const file = scripts.path(script)
  if (file === null) throw new TypeError(`there is no ${script} script`)
  return {
    file,
    args,
    env: environment,
    through,
    timeoutMs: timeoutMs ?? settings.CONTROL_SCRIPT_TIMEOUT,
    killGraceMs: settings.KILL_GRACE,
    signal: signal ? AbortSignal.any([signal, closing]) : closing,
    supervisor,
  }
}

type Collected = Awaited<ReturnType<typeof collect>>

function failureOf(
  script: ScriptName,
  { result, stdout, stderr }: Collected,
  mask: (text: string) => string,
): string | null {
  if (result.exitCode === 0 && result.problem === null && !result.timedOut && !result.truncated) return null
  // Masked before it is cut: half a secret would be shown.
  const said = mask(stderr.trim() || stdout.trim()).slice(-wordsLength)
  return `The ${script} script ${reasonOf(result)}${said ? `: ${said}` : '.'}`
}

function reasonOf(result: ScriptResult): string {
  if (result.problem !== null) return `failed (${result.problem})`
  if (result.timedOut) return `was stopped after ${result.durationMs} ms`
  if (result.cancelled || result.interrupted) return 'was stopped'
  if (result.signal !== null) return `was ended by ${result.signal}`
  if (result.exitCode === 0) return `printed more than ${answerBytes} bytes`
  return `failed with exit code ${result.exitCode}`
}
