/**
 * Contexts: installations saved under a name, with address, credential and CA file, in a file that only its owner can
 * read. Called by api-command.ts and completion.ts to choose one, and by
 * commands/context and commands/login.
 */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { delay } from '../../lib/delay.ts'
import { CliError } from '../errors/cli-error.ts'
import { describeSystemError } from '../errors/system-error.ts'
import type { RecordView } from '../output/formatter.ts'
import { isSameAddress } from './address.ts'
import type { Context } from './types.ts'

/** `current` is the default context. */
export type ContextsFile = { current: string | null; contexts: Context[] }

function contextsPath(environment: NodeJS.ProcessEnv): string {
  const base =
    environment.XDG_CONFIG_HOME?.trim() ||
    join(environment.HOME?.trim() || environment.USERPROFILE?.trim() || '.', '.config')
  return join(base, 'octo', 'contexts.json')
}

/** Without a file there are no contexts. Throws a CliError of kind `settings` for an unreadable or unsafe file. */
export function readContexts(environment: NodeJS.ProcessEnv): ContextsFile {
  const path = contextsPath(environment)
  let text: string
  try {
    const mode = statSync(path).mode & 0o777
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new CliError(
        'settings',
        `${path} contains credentials, and other users can read it (mode ${mode.toString(8)}).`,
        `Restrict it: chmod 600 ${path}`,
      )
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, contexts: [] }
    if (error instanceof CliError) throw error
    throw new CliError('settings', `${path} cannot be read: ${describeSystemError(error)}.`)
  }
  const contexts = parseContexts(text)
  if (contexts !== null) return contexts
  throw new CliError(
    'settings',
    `${path} is not a contexts file.`,
    'Delete it and run octo context set again.',
  )
}

/**
 * Reads the file, changes it and writes it, one octo at a time: a login in another terminal is not lost. `change` may throw. Throws a
 * CliError of kind `settings` when the file cannot be written.
 */
export async function updateContexts(
  environment: NodeJS.ProcessEnv,
  change: (file: ContextsFile) => ContextsFile,
): Promise<{ before: ContextsFile; after: ContextsFile }> {
  const path = contextsPath(environment)
  const unlock = await lock(path)
  try {
    const before = readContexts(environment)
    const after = change(before)
    writeContexts(path, after)
    return { before, after }
  } finally {
    unlock()
  }
}

/** Throws a CliError of kind `settings` where no context could be saved. */
export async function requireWritableContexts(environment: NodeJS.ProcessEnv): Promise<void> {
  const unlock = await lock(contextsPath(environment))
  unlock()
}

/** A file is changed within milliseconds: an older lock is left of an octo that was killed. */
const staleLockMs = 3000
const lockWaitMs = 6000

async function lock(path: string): Promise<() => void> {
  const lockPath = `${path}.lock`
  const endsAtMs = performance.now() + lockWaitMs
  for (;;) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      closeSync(openSync(lockPath, 'wx', 0o600))
      return () => rmSync(lockPath, { force: true })
    } catch (error) {
      const isHeld = (error as NodeJS.ErrnoException).code === 'EEXIST'
      if (!isHeld || performance.now() > endsAtMs)
        throw new CliError('settings', `${path} cannot be written: ${describeSystemError(error)}.`)
    }
    const { mtimeMs } = statSync(lockPath, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
    if (Math.abs(Date.now() - mtimeMs) > staleLockMs) rmSync(lockPath, { force: true })
    await delay(20 + Math.random() * 30)
  }
}

/** Writes a temporary file and renames it, so that the file is never incomplete. */
function writeContexts(path: string, contexts: ContextsFile): void {
  const temporaryPath = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporaryPath, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 })
    // The mode above applies only to a new file.
    chmodSync(temporaryPath, 0o600)
    renameSync(temporaryPath, path)
  } catch (error) {
    rmSync(temporaryPath, { force: true })
    throw new CliError('settings', `${path} cannot be written: ${describeSystemError(error)}.`)
  }
}

/**
 * What is saved for a command: the context of --context, OCTOPOD_CONTEXT or the current one, or, where OCTOPOD_URL goes first,
 * the login at that address.
 */
export function chooseSaved(
  environment: NodeJS.ProcessEnv,
  requestedName: string | undefined,
): [context: Context | null, login: Context | null] {
  const url = environment.OCTOPOD_URL?.trim() ?? ''
  if (requestedName !== undefined || url === '') return [chooseContext(environment, requestedName), null]
  return [null, findContextOf(readContexts(environment), url, isLogin)]
}

export const isLogin = ({ is_login }: Context): boolean => is_login === true

/** A context with that address; the current one before others. */
export function findContextOf(
  { current, contexts }: ContextsFile,
  url: string,
  isWanted: (context: Context) => boolean,
): Context | null {
  const found = contexts.filter((saved) => isWanted(saved) && isSameAddress(saved.url, url))
  return found.find(({ name }) => name === current) ?? found[0] ?? null
}

export function parseContextName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name)) return name
  throw new CliError('usage', 'the name of a context has 1 to 40 characters: a-z, A-Z, 0-9, ., _ and -.')
}

/** The context with that name, else the current one; null without either. */
export function chooseContext(
  environment: NodeJS.ProcessEnv,
  requestedName: string | undefined,
): Context | null {
  const name = requestedName ?? (environment.OCTOPOD_CONTEXT?.trim() || null)
  const { current, contexts } = readContexts(environment)
  const context = contexts.find((saved) => saved.name === (name ?? current))
  if (context === undefined && name !== null) throw unknownContextError(name, contexts)
  return context ?? null
}

export function requireContext(environment: NodeJS.ProcessEnv, name: string): Context {
  const { contexts } = readContexts(environment)
  const context = contexts.find((saved) => saved.name === name)
  if (context === undefined) throw unknownContextError(name, contexts)
  return context
}

export function unknownContextError(name: string, contexts: readonly Context[]): CliError {
  const known = contexts.map((saved) => saved.name).join(', ')
  return new CliError(
    'settings',
    `there is no context "${name.slice(0, 40)}".`,
    known === ''
      ? 'There are none yet. Save one: octo login --url URL --context NAME'
      : `Saved contexts: ${known}.`,
  )
}

/** A context as octo shows it: without its credential. */
type ContextRecord = {
  name: string
  url: string
  current: boolean
  credential: boolean
  login: boolean
  ca_file: string | null
}

export const toContextRecord = (
  { name, url, authorization, is_login, ca_file }: Context,
  current: string | null,
): ContextRecord => ({
  name,
  url,
  current: name === current,
  credential: authorization !== undefined,
  login: is_login ?? false,
  ca_file: ca_file ?? null,
})

export const contextView: RecordView<ContextRecord> = {
  name: ({ name }) => name,
  columns: {
    CURRENT: ({ current }) => (current ? '*' : ''),
    NAME: ({ name }) => name,
    URL: ({ url }) => url,
    CREDENTIAL: ({ credential, login }) => (login ? 'login' : credential ? 'saved' : ''),
    'CA FILE': ({ ca_file }) => ca_file ?? '',
  },
}

function parseContexts(text: string): ContextsFile | null {
  try {
    const { current, contexts } = JSON.parse(text) as ContextsFile
    const isContext = ({ name, url }: Context) => typeof name === 'string' && typeof url === 'string'
    const isValid = (current === null || typeof current === 'string') && contexts.every(isContext)
    return isValid ? { current, contexts } : null
  } catch {
    return null
  }
}
