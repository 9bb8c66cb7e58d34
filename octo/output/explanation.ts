/**
 * Why an action or a check failed, for people: one sentence, a plain sentence for a known cause, and the last lines of
 * the output. Called by actions/wait-outcome.ts and summary.ts.
 */
import { type ActionState, hasEnded, kindFromWireName } from '../../domain/actions.ts'
import type { ActionSummary, FullInfoWithCheck } from '../../domain/schemas.ts'
import { toPlainText } from '../../lib/terminal/text.ts'

type LastCheck = NonNullable<FullInfoWithCheck['last_check']>
type ShownFailure = NonNullable<LastCheck['failure']>
type FailedAction = ActionSummary & { failure?: ShownFailure | null | undefined }

export type Explanation = {
  /** A sentence without words of the script. */
  message: string
  hint: string | null
  /** The last lines that the script printed. */
  output: string[]
  /** There is output, but this credential may not read it. */
  isOutputHidden: boolean
}

/** Null when the action did not fail. */
export function explainAction(action: FailedAction): Explanation | null {
  if (!hasEnded(action.state) || action.state === 'succeeded') return null
  const { failure } = action
  if (failure) return fromFailure(failure)
  const { state, exit_code: exitCode, signal, error, cancelled_by: cancelledBy } = action
  const exitText = exitCode !== null ? ` with exit code ${exitCode}` : signal !== null ? ` by ${signal}` : ''
  const outcomes: Partial<Record<ActionState, string>> = {
    failed: `failed${exitText}`,
    timed_out: 'exceeded its time limit and was ended',
    interrupted: 'was interrupted: its runner was lost',
    superseded: 'did not start',
    cancelled: `was cancelled${cancelledBy === null ? '' : ` by ${cancelledBy}`}`,
  }
  return withoutOutput(`${subjectOf(action)} ${outcomes[state]}.${error === null ? '' : ` ${error}`}`)
}

export const subjectOf = ({ action, action_id }: ActionSummary) =>
  `${kindFromWireName(action)} (action ${action_id})`

/** Null when the last check succeeded, or there was none. */
export function explainCheck(check: LastCheck | null): Explanation | null {
  return check?.failure ? fromFailure(check.failure) : null
}

/** Scripts beside actions and checks; a server of an earlier version sends none. */
export const explainFailedScripts = ({ failed_scripts = [] }: FullInfoWithCheck) =>
  failed_scripts.map(({ failed_at: failedAt, failure }) => ({ failedAt, explanation: fromFailure(failure) }))

/** The lines below the sentence: the cause, then the output with a margin. */
export const explanationLines = ({ hint, output }: Explanation): string[] => [
  ...(hint === null ? [] : [hint]),
  ...output.map((line) => `  ${line}`),
]

const withoutOutput = (message: string): Explanation => ({
  message,
  hint: null,
  output: [],
  isOutputHidden: false,
})

const fromFailure = ({ message, hint, output, output_hidden }: ShownFailure): Explanation => ({
  message,
  hint,
  output: output === null ? [] : toLines(output).slice(-maxLines),
  isOutputHidden: output_hidden,
})

const maxLines = 20

const toLines = (text: string): string[] =>
  toPlainText(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
