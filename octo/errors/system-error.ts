/** Errors of the operating system in words. Called by write-text.ts, format-error.ts and the readers of files. */

/** `ENOSPC: no space left on device, write` becomes `no space left on device`. */
export function describeSystemError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const [, description] = /^E[A-Z0-9]+: ([^,]+)/.exec(message) ?? []
  return description ?? descriptions[code ?? ''] ?? message
}

/** Errors of streams have only a code. */
const descriptions: Record<string, string> = {
  EIO: 'input/output error',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EBADF: 'it is closed',
}

/** Whether the operating system refused something; everything else unexpected is a bug in octo. */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error
