/**
 * Says in words why a script could not be started, and what to do. Called by process.ts with the error of spawn; people
 * read it on the page, so it holds nothing of this machine but the path of the script.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs'

export function spawnErrorMessage(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException)?.code ?? 'unknown error'
  const messages: Record<string, string> = {
    ENOENT: existsSync(file)
      ? 'its interpreter, named in its first line, is not on this machine. Install it or change that line'
      : 'it does not exist. Check CONTROL_SCRIPTS_DIR or the setting with its path',
    ENOTDIR: 'a part of its path is not a folder. Check CONTROL_SCRIPTS_DIR or the setting with its path',
    EACCES: 'it is not executable. Make it so with chmod +x',
    EPERM: 'this machine does not permit it',
    ENOEXEC: 'it is not an executable of this machine. Begin a script with a line like #!/bin/sh',
    E2BIG: 'its configuration is too long for arguments. Shorten or remove values',
    ERR_INVALID_ARG_VALUE: 'its arguments or environment contain a NUL character. Remove it',
    EAGAIN: 'this machine allows no further process. Try again, or let fewer run at once',
    ENOMEM: 'this machine has no memory left for it. Try again, or let fewer run at once',
    EMFILE: 'the runner has too many files open. Try again, or let fewer run at once',
    ENFILE: 'this machine has too many files open. Try again, or let fewer run at once',
    ETXTBSY: 'it is being written. Try again when that has finished',
  }
  return `The script ${file} could not be started: ${messages[code] ?? code}.`
}

/** Of a script that started in a process of its own but had no namespace to run in. */
export const noNamespaceMessage = (file: string): string =>
  `The script ${file} could not be started: this machine gave it no PID namespace, what was printed tells why. Try again, or let fewer run at once.`

/**
 * Throws what spawn would: whoever starts a script for us says in words of its own, and by an exit code like any other, that it is not
 * there, may not be executed, or has no interpreter.
 */
export function assertExecutable(file: string): void {
  accessSync(file, constants.X_OK)
  if (statSync(file).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EACCES' })
  const interpreter = /^#!\s*(\S+)/.exec(readFirstBytes(file))?.[1]
  if (interpreter !== undefined) accessSync(interpreter, constants.X_OK)
}

/** Empty for what may be executed and not read. */
function readFirstBytes(file: string): string {
  const bytes = Buffer.alloc(256)
  try {
    const descriptor = openSync(file, 'r')
    try {
      return bytes.toString('latin1', 0, readSync(descriptor, bytes))
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return ''
  }
}
