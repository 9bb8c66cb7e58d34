/**
 * How a command can fail: words, what to do about it, and a kind. The one place where kinds become exit codes.
 * Thrown everywhere in octo, caught by run.ts and base-command.ts.
 */
import { escapeControlCharacters } from '../output/terminal-text.ts'

/** kind → exit code, documented in docs/octo.md. usage: typed wrongly · settings: the environment or a context is
 * wrong · failed: the action or the check did · timed_out: --timeout went by · cancelled: somebody cancelled the
 * action · refused: the server said no · not_allowed: 401, 403 · unreachable: no usable answer came · broken: the
 * server failed (5xx). */
export const exitCodes = {
  failed: 1,
  usage: 2,
  settings: 2,
  timed_out: 3,
  cancelled: 4,
  refused: 5,
  not_allowed: 6,
  unreachable: 7,
  broken: 7,
} as const satisfies Record<string, number>

export type CliErrorKind = keyof typeof exitCodes

export class CliError extends Error {
  override name = 'Failure'
  readonly kind: CliErrorKind
  /** What the reader can do, as a sentence; null when the message says it all. */
  readonly remedy: string | null
  /** True: the same request may well succeed in a moment. */
  transient = false
  /** How long the server asks to be left alone first. */
  retryAfterMs = 0
  /** Of the answer, where there was one. */
  status: number | null = null
  /** The code of domain/errors.ts, where the answer had one. */
  code: string | null = null

  constructor(kind: CliErrorKind, message: string, remedy: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.remedy = remedy
  }
}

/** What stderr shows of an error. Ours come with their stack, so that they can be reported. */
export function formatError(error: unknown): string {
  if (error instanceof CliError) {
    const remedy = error.remedy === null ? '' : `${escapeControlCharacters(error.remedy)}\n`
    return `octo: ${escapeControlCharacters(error.message)}\n${remedy}`
  }
  return `octo: this is a mistake in octo itself, please report it.\n${error instanceof Error ? error.stack : error}\n`
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CliError ? exitCodes[error.kind] : 1
}
