/**
 * How a command can fail: words, what to do about it, and a kind. The one place where kinds become exit codes.
 * Thrown everywhere in octo, caught by main.ts and command.ts.
 */
import { visible } from './text.ts'

/** usage: typed wrongly · settings: the environment is wrong · unreachable: no usable answer came ·
 * not_allowed: 401, 403 · refused: the server said no · broken: the server failed. */
export type FailureKind = 'usage' | 'settings' | 'unreachable' | 'not_allowed' | 'refused' | 'broken'

/** Contract §5: exit 1, whatever went wrong. */
export const exitCodes = {
  usage: 1,
  settings: 1,
  unreachable: 1,
  not_allowed: 1,
  refused: 1,
  broken: 1,
} as const satisfies Record<FailureKind, number>

export class Failure extends Error {
  override name = 'Failure'
  readonly kind: FailureKind
  /** What the reader can do, as a sentence; null when the message says it all. */
  readonly remedy: string | null

  constructor(kind: FailureKind, message: string, remedy: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.remedy = remedy
  }
}

/** What stderr shows of an error. Ours come with their stack, so that they can be reported. */
export function words(error: unknown): string {
  if (error instanceof Failure) {
    const remedy = error.remedy === null ? '' : `${visible(error.remedy)}\n`
    return `octo: ${visible(error.message)}\n${remedy}`
  }
  return `octo: this is a mistake in octo itself, please report it.\n${error instanceof Error ? error.stack : error}\n`
}

export function exitCodeOf(error: unknown): number {
  return error instanceof Failure ? exitCodes[error.kind] : 1
}
