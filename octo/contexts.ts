/**
 * Several installations under names of one's own: address, credential and CA file, kept in a file only its owner can
 * read. Called by command.ts to choose one and by commands/context.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from './connection.ts'
import type { Environment } from './environment.ts'
import { Failure } from './failure.ts'
import type { Look } from './output.ts'

/** `current` is used where nobody names another. */
export type Contexts = { current: string | null; contexts: Place[] }

export function contextsPath(environment: Environment): string {
  const base =
    environment.XDG_CONFIG_HOME?.trim() ||
    join(environment.HOME?.trim() || environment.USERPROFILE?.trim() || '.', '.config')
  return join(base, 'octo', 'contexts.json')
}

/** No file is no contexts. Throws a Failure of kind `settings` where the file cannot be trusted or read. */
export function readContexts(environment: Environment): Contexts {
  const path = contextsPath(environment)
  let text: string
  try {
    const mode = statSync(path).mode & 0o777
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new Failure(
        'settings',
        `${path} holds credentials and others can read it (mode ${mode.toString(8)}).`,
        `Take that away: chmod 600 ${path}`,
      )
    }
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, contexts: [] }
    if (error instanceof Failure) throw error
    throw new Failure('settings', `${path} cannot be read: ${(error as Error).message}`)
  }
  const contexts = parsed(text)
  if (contexts !== null) return contexts
  throw new Failure(
    'settings',
    `${path} is not a contexts file.`,
    'Remove it and use octo context set again.',
  )
}

/** Written beside and moved into place, so that it is never half there. */
export function writeContexts(environment: Environment, contexts: Contexts): void {
  const path = contextsPath(environment)
  const fresh = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(fresh, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 })
  // The mode above is only for a new file.
  chmodSync(fresh, 0o600)
  renameSync(fresh, path)
}

/** The context of that name; without one the current one; null where there is none. */
export function chooseContext(environment: Environment, wanted: string | undefined): Place | null {
  const name = wanted ?? (environment.OCTOPOD_CONTEXT?.trim() || null)
  const { current, contexts } = readContexts(environment)
  const found = contexts.find((one) => one.name === (name ?? current))
  if (found !== undefined) return found
  if (name !== null) throw noSuchContext(name, contexts)
  return null
}

export function noSuchContext(name: string, contexts: readonly Place[]): Failure {
  const there = contexts.map((one) => one.name).join(', ')
  return new Failure(
    'settings',
    `there is no context "${name.slice(0, 40)}".`,
    there === '' ? 'There are none yet: octo context set NAME --url URL' : `There are: ${there}.`,
  )
}

/** A context as it is shown: never with its credential. */
type Told = { name: string; url: string; current: boolean; credential: boolean; ca_file: string | null }

export const toldOf = ({ name, url, authorization, ca_file }: Place, current: string | null): Told => ({
  name,
  url,
  current: name === current,
  credential: authorization !== undefined,
  ca_file: ca_file ?? null,
})

export const contextLook: Look<Told> = {
  name: ({ name }) => name,
  columns: {
    CURRENT: ({ current }) => (current ? '*' : ''),
    NAME: ({ name }) => name,
    URL: ({ url }) => url,
    CREDENTIAL: ({ credential }) => (credential ? 'kept' : ''),
    'CA FILE': ({ ca_file }) => ca_file ?? '',
  },
}

function parsed(text: string): Contexts | null {
  try {
    const { current, contexts } = JSON.parse(text) as Contexts
    const isPlace = ({ name, url }: Place) => typeof name === 'string' && typeof url === 'string'
    const isRight = (current === null || typeof current === 'string') && contexts.every(isPlace)
    return isRight ? { current, contexts } : null
  } catch {
    return null
  }
}
