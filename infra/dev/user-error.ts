/** What the person at the keyboard can solve is said in one sentence, never with a stack trace. */

/** `message` is that sentence. Thrown everywhere here, shown by start.ts. */
export class UserError extends Error {
  override name = 'Problem'
}

/** The sentence for whatever ended a start; null when it is a mistake of ours. */
export function userMessageOf(error: unknown): string | null {
  if (error instanceof UserError) return error.message
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `The disk is full (${message}): make room and start again; what was accepted is kept.`
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return `A file cannot be written (${message}): let the account that runs npm start write there, or choose another OCTOPOD_HOME.`
  return null
}
