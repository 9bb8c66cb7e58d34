/** The text that stderr shows of an error, and its exit code. Called by run.ts and base-command.ts. */
import { toPlainText } from '../../lib/terminal/text.ts'
import { CliError, exitCodes } from './cli-error.ts'
import { describeSystemError, isSystemError } from './system-error.ts'

/** Sentences without a stack. OCTO_DEBUG adds the stack, for the developers of octo. */
export function formatError(error: unknown, environment: NodeJS.ProcessEnv = process.env): string {
  const stack = environment.OCTO_DEBUG && error instanceof Error ? `${error.stack}\n` : ''
  if (error instanceof CliError) {
    const lines = [error.message, ...error.details, ...(error.remedy === null ? [] : [error.remedy])]
    return `octo: ${lines.map((line) => `${toPlainText(line)}\n`).join('')}${stack}`
  }
  const text = isSystemError(error)
    ? `${describeSystemError(error)} (${error.code}, ${error.syscall}).`
    : `this is a bug in octo, please report it: ${error}`
  return `octo: ${toPlainText(text)}\n${stack}`
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return exitCodes[error.kind]
  return isSystemError(error) ? exitCodes.settings : exitCodes.failed
}
