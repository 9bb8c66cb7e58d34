/**
 * Makes the explanation of a failure from what a script returned and printed. Called by runner/.
 */
import { toPlainText } from '../../lib/terminal/text.ts'
import type { ScriptResult } from '../actions.ts'
import type { FailedPart, Failure } from './failure.ts'
import { findFailureHint } from './failure-hints.ts'

export const maxFailureLines = 20
const maxFailureCharacters = 4000

/** The last lines of stderr, else of stdout, as a terminal would show them. Secrets must be masked already. */
export function lastLines({ stdout, stderr }: { stdout: string; stderr: string }): string | null {
  for (const text of [stderr, stdout]) {
    const lines = toPlainText(text)
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
    if (lines.length > 0) return cutStart(lines.slice(-maxFailureLines).join('\n'))
  }
  return null
}

/** PostgreSQL stores no half characters. */
const cutStart = (text: string) => text.slice(-maxFailureCharacters).toWellFormed()

type ScriptFailure = {
  script: string
  result: Pick<ScriptResult, 'exitCode' | 'signal' | 'timedOut' | 'error'>
  /** The name of the setting, e.g. CONTROL_SCRIPT_TIMEOUT. */
  timeLimit: { setting: string; ms: number }
  output: string | null
}

/** Explains why a script failed that ended, ran too long or could not be started. */
export function scriptFailure({ script, result, timeLimit, output }: ScriptFailure): Failure {
  const hint = output === null ? null : findFailureHint(output)
  const explain = (what: FailedPart, message: string): Failure => ({ what, script, message, hint, output })
  if (result.error !== null)
    return explain('not_started', `The ${script} script could not be run: ${result.error}`)
  if (result.timedOut) {
    const seconds = timeLimit.ms / 1000
    return explain(
      'time_limit',
      `The ${script} script ran longer than ${seconds} s and was ended (${timeLimit.setting}).`,
    )
  }
  if (result.signal !== null)
    return explain('script', `The ${script} script was ended by the signal ${result.signal}.`)
  return explain('script', `The ${script} script failed with exit code ${result.exitCode ?? 'unknown'}.`)
}
