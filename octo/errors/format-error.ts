/** The text that stderr shows of an error. Called by run.ts and base-command.ts. */
import { escapeControlCharacters } from '../output/terminal-text.ts'
import { CliError } from './cli-error.ts'

/** An unexpected error includes its stack, so that users can report it. */
export function formatError(error: unknown): string {
  if (error instanceof CliError) {
    const remedy = error.remedy === null ? '' : `${escapeControlCharacters(error.remedy)}\n`
    return `octo: ${escapeControlCharacters(error.message)}\n${remedy}`
  }
  return `octo: this is a bug in octo, please report it.\n${error instanceof Error ? error.stack : error}\n`
}
