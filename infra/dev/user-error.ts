/** An error that the user can solve. Its message is one sentence and is printed without a stack trace. */
export class UserError extends Error {
  override name = 'UserError'
}

/** The message for the user; null for an unexpected error, which needs its stack trace. */
export function userMessageOf(error: unknown): string | null {
  if (error instanceof UserError) return error.message
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `The disk is full (${message}): free some space and start again; accepted requests are not lost.`
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `A file cannot be written (${message}): allow the account that runs npm start to write there, or choose another OCTOPOD_HOME.`
  return null
}
