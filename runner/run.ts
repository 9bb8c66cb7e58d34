/** Runs one control script by its name with this installation's limits. Called by answer, perform, watch, notify. */
import type { ScriptResult } from '../domain/action.ts'
import type { ScriptName } from '../domain/script.ts'
import { collect, type ProcessRequest } from './process.ts'
import type { Workshop } from './workshop.ts'

/** What is kept of each stream of a script whose answer is read, in bytes. */
const answerBytes = 1024 * 1024

type Limits = { timeoutMs?: number; signal?: AbortSignal }
export type Collected = { result: ScriptResult; stdout: string; stderr: string }

export async function ask(
  workshop: Workshop,
  script: ScriptName,
  args: string[],
  limits: Limits = {},
): Promise<Collected> {
  return collect(request(workshop, script, args, limits), answerBytes)
}

export function request(
  { settings, scripts, environment, supervisor, closing }: Workshop,
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
    timeoutMs: timeoutMs ?? settings.CONTROL_SCRIPT_TIMEOUT,
    killGraceMs: settings.KILL_GRACE,
    signal: signal ? AbortSignal.any([signal, closing]) : closing,
    supervisor,
  }
}

/** Why a script counts as failed, in words with its last output; null when it succeeded. */
export function failureOfScript(script: ScriptName, { result, stdout, stderr }: Collected): string | null {
  if (result.exitCode === 0 && result.problem === null && !result.timedOut && !result.truncated) return null
  const said = (stderr.trim() || stdout.trim()).slice(-2000)
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
