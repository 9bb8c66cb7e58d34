/**
 * The error class of octo: a message, a remedy, and a kind that decides the exit code. Thrown everywhere in octo,
 * caught by run.ts and base-command.ts.
 */

/**
 * Kind of error → exit code, as documented in docs/octo.md. usage: wrong command line · settings: the environment or a
 * context is wrong · output: stdout cannot be written · failed: the action or the check failed · timed_out: --timeout
 * passed · cancelled: the action was cancelled · refused: the server refused the request · not_allowed: 401, 403 ·
 * unreachable: no usable response · broken: the server failed (5xx).
 */
export const exitCodes = {
  failed: 1,
  usage: 2,
  settings: 2,
  output: 2,
  timed_out: 3,
  cancelled: 4,
  refused: 5,
  not_allowed: 6,
  unreachable: 7,
  broken: 7,
} as const satisfies Record<string, number>

export type CliErrorKind = keyof typeof exitCodes

export class CliError extends Error {
  override name = 'CliError'
  readonly kind: CliErrorKind
  /** What the user can do, as a sentence; null when the message says enough. */
  readonly remedy: string | null
  /** Lines below the message: what a script printed. */
  details: readonly string[] = []
  /** A retry of the same request may succeed. */
  transient = false
  /** How long the server asks to wait before a retry. */
  retryAfterMs = 0
  /** HTTP status of the response, if there was one. */
  status: number | null = null
  /** Error code of domain/errors.ts, if the response had one. */
  code: string | null = null

  constructor(kind: CliErrorKind, message: string, remedy: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.remedy = remedy
  }
}
