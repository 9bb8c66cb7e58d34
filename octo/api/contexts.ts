/**
 * Contexts: installations saved under a name, with address, credential and CA file, in a file that only its owner can
 * read. Called by api-command.ts and completion.ts to choose one, and by commands/context.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CliError } from '../errors/cli-error.ts'
import { describeSystemError } from '../errors/system-error.ts'
import type { RecordView } from '../output/formatter.ts'
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

/** Writes a temporary file and renames it, so that the file is never incomplete. */
export function writeContexts(environment: NodeJS.ProcessEnv, contexts: ContextsFile): void {
  const path = contextsPath(environment)
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

/** The context with that name, else the current one; null without either. */
export function chooseContext(
  environment: NodeJS.ProcessEnv,
  requestedName: string | undefined,
): Context | null {
  const name = requestedName ?? (environment.OCTOPOD_CONTEXT?.trim() || null)
  const { current, contexts } = readContexts(environment)
  const context = contexts.find((saved) => saved.name === (name ?? current))
  if (context !== undefined) return context
  if (name !== null) throw unknownContextError(name, contexts)
  return null
}

export function unknownContextError(name: string, contexts: readonly Context[]): CliError {
  const known = contexts.map((saved) => saved.name).join(', ')
  return new CliError(
    'settings',
    `there is no context "${name.slice(0, 40)}".`,
    known === ''
      ? 'There are none yet. Save one: octo context set NAME --url URL'
      : `Saved contexts: ${known}.`,
  )
}

/** A context as octo shows it: without its credential. */
type ContextRecord = {
  name: string
  url: string
  current: boolean
  credential: boolean
  ca_file: string | null
}

export const toContextRecord = (
  { name, url, authorization, ca_file }: Context,
  current: string | null,
): ContextRecord => ({
  name,
  url,
  current: name === current,
  credential: authorization !== undefined,
  ca_file: ca_file ?? null,
})

export const contextView: RecordView<ContextRecord> = {
  name: ({ name }) => name,
  columns: {
    CURRENT: ({ current }) => (current ? '*' : ''),
    NAME: ({ name }) => name,
    URL: ({ url }) => url,
    CREDENTIAL: ({ credential }) => (credential ? 'saved' : ''),
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
