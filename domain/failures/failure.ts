/**
 * The explanation of a failure: what failed, in one sentence, with the last lines of the output. The runner makes it, the
 * database stores it with the action or the check, and API, page, octo and notifications show the same one. Free of zod
 * and of the builders (explain-failure.ts): the page loads it.
 */

/**
 * `script`: a script ended with an error. `time_limit`: it ran too long. `not_started`: no process could be started.
 * `config_check`: the script rejected the config. `config_script`: the defaults could not be read. `runner_lost`: the
 * runner was killed, frozen or stopped. `stopped_waiting`: a person ended the wait for the health check.
 */
export const failedParts = [
  'script',
  'time_limit',
  'not_started',
  'config_check',
  'config_script',
  'runner_lost',
  'stopped_waiting',
] as const
export type FailedPart = (typeof failedParts)[number]

export type Failure = {
  what: FailedPart
  /** The script that failed. Null: none did. */
  script: string | null
  /** One sentence without words of the script: everyone may read it. */
  message: string
  /** A plain sentence for a known cause, found in the output. */
  hint: string | null
  /** The last lines that the script printed, clean and redacted. */
  output: string | null
}

/** What a reader can do about a failure. */
export const remedies = ['retry', 'edit', 'show_output', 'sign_in', 'stop_waiting'] as const

/** A failure in one text, for messages without a place of their own for the output. */
export const failureText = ({ message, output }: Failure): string =>
  output === null ? message : `${message.replace(/\.$/, '')}: ${output}`
