/**
 * Serializes errors for the log: type, message, code and stack of the error and its causes. Other properties are left
 * out because they may contain config values: PostgreSQL's errors quote rows, slonik's the statement's values, ioredis'
 * the command's arguments. Passed to pino by every program.
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

/** The `serializers` option of pino. */
export const serializers = { err: (error: unknown) => serializeError(error) }
