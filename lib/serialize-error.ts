/**
 * What of an error goes into a log: its kind, words, code and place, and those of its causes. Not the rest: PostgreSQL's errors
 * quote whole rows, slonik's the values of the statement, ioredis' the arguments of the command, and values of configs are
 * among them. Given to pino by every program.
 */

type SerializedError = {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: SerializedError
  errors?: SerializedError[]
}

export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown }
  const includeNested = depth < 5
  return {
    type: error.name || error.constructor.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(includeNested && cause !== undefined && cause !== null
      ? { cause: serializeError(cause, depth + 1) }
      : {}),
    ...(includeNested && Array.isArray(errors)
      ? { errors: errors.slice(0, 5).map((one) => serializeError(one, depth + 1)) }
      : {}),
  }
}

/** For pino's options. */
export const serializers = { err: (error: unknown) => serializeError(error) }
