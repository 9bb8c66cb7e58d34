/**
 * The folder OCTOPOD_HOME, which contains all files of an installation made by `npm start`: the data of PostgreSQL and
 * Redis, logs, deployments, secrets, ports.json, and the file `environment` with the settings for more servers and
 * runners. Called by start-all.ts.
 */
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort, portError } from '../../lib/node/ports.ts'
import { UserError } from './user-error.ts'

export type DataDir = { path: string; file(name: string): string }

/** @throws UserError when the folder cannot be created or written */
export function openDataDir(folder: string): DataDir {
  const path = resolve(folder)
  try {
    // Mode 0711: the account of PostgreSQL can reach its own folder, and no other account can list the files.
    mkdirSync(path, { recursive: true, mode: 0o711 })
    mkdirSync(join(path, 'logs'), { recursive: true, mode: 0o700 })
    mkdirSync(join(path, 'deployments'), { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError(`The folder ${path} (OCTOPOD_HOME) cannot be used: ${(error as Error).message}.`)
  }
  return { path, file: (name) => join(path, name) }
}

/** The port that the datastore had last time, else `preferred`, else any free port. Stores it in ports.json. */
export async function datastorePort(dataDir: DataDir, name: string, preferred: number): Promise<number> {
  const file = dataDir.file('ports.json')
  const candidate = readPorts(file)[name] ?? preferred
  const port = (await portError(candidate)) === null ? candidate : await freePort()
  // Read the file again, because the other datastore may have changed it.
  writeFileAtomically(file, `${JSON.stringify({ ...readPorts(file), [name]: port })}\n`)
  return port
}

function readPorts(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>
  } catch {
    return {}
  }
}

/** Writes an env file for `node --env-file` and shells. @throws UserError for a value that cannot be quoted */
export function writeEnvironmentFile(dataDir: DataDir, values: Record<string, string>): void {
  const lines = Object.entries(values).map(([name, value]) => {
    const quote = ["'", '"', '`'].find((mark) => !value.includes(mark))
    if (quote === undefined)
      throw new UserError(`${name} contains all three kinds of quotes: choose another value.`)
    return `${name}=${quote}${value}${quote}`
  })
  const head = '# Written by npm start at every start. Variables of the environment override it.\n'
  writeFileAtomically(dataDir.file('environment'), `${head}${lines.join('\n')}\n`)
}

/** Only the owner can read the file. */
function writeFileAtomically(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
