/**
 * Describes why a script could not be started, and what to do. Called by process.ts with the error of spawn. Users
 * read the message on the page, so it contains nothing of this machine except the path of the script.
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
    EPERM: 'this machine does not allow it',
    ENOEXEC: 'it is not an executable of this machine. Begin a script with a line like #!/bin/sh',
    E2BIG: 'its configuration is too long for arguments. Shorten or remove values',
    ERR_INVALID_ARG_VALUE: 'its arguments or environment contain a NUL character. Remove it',
    EAGAIN: 'this machine cannot start another process. Try again, or run fewer at once',
    ENOMEM: 'this machine is out of memory. Try again, or run fewer at once',
    EMFILE: 'the runner has too many files open. Try again, or run fewer at once',
    ENFILE: 'this machine has too many files open. Try again, or run fewer at once',
    ETXTBSY: 'another process is writing it. Try again when it has finished',
  }
  return `The script ${file} could not be started: ${messages[code] ?? code}.`
}

/** For a script whose config file could not be written. */
export function configFileMessage(file: string, folder: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException)?.code ?? 'unknown error'
  const causes: Record<string, string> = {
    ENOSPC: 'its disk is full. Free space there',
    EDQUOT: 'the quota of this user is used up. Free space there',
    EROFS: 'it is read-only. Mount a folder there that the runner can write',
    EACCES: 'the runner may not write there. Allow it',
    EPERM: 'the runner may not write there. Allow it',
    ENOENT: 'it does not exist. Create it',
    ENOTDIR: 'it is not a folder. Create it',
    EMFILE: 'the runner has too many files open. Run fewer scripts at once',
    ENFILE: 'this machine has too many files open. Run fewer scripts at once',
  }
  return `The script ${file} could not be started: its config file could not be written in ${folder}: ${causes[code] ?? `${code}. Make it writable`}, or set TMPDIR to another folder.`
}

/** For a script whose PID namespace could not be created. */
export const noNamespaceMessage = (file: string): string =>
  `The script ${file} could not be started: this machine gave it no PID namespace; its output says why. Try again, or run fewer at once.`

/**
 * Throws the error that spawn would throw. Needed with a command prefix: its program reports a missing script,
 * missing permission or a missing interpreter only in a message of its own and with an ordinary exit code.
 */
export function assertExecutable(file: string): void {
  accessSync(file, constants.X_OK)
  if (statSync(file).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EACCES' })
  const interpreter = /^#!\s*(\S+)/.exec(readFirstBytes(file))?.[1]
  if (interpreter !== undefined) accessSync(interpreter, constants.X_OK)
}

/** Returns an empty text for a file that may be executed but not read. */
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
