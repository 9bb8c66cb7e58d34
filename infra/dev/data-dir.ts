/**
 * The folder OCTOPOD_HOME: everything an installation made by `npm start` keeps. Data of the engines, logs,
 * deployments, secrets, the ports it uses, and `environment`: the settings for servers and runners started beside it.
 */
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort, portError } from '../../lib/node/ports.ts'
import { UserError } from './user-error.ts'

export type DataDir = { path: string; file(name: string): string }

/** @throws Problem when the folder cannot be made or written. */
export function openDataDir(given: string): DataDir {
  const path = resolve(given)
  try {
    // 0711: the account PostgreSQL runs under passes through to its own folder; nobody else sees what is here.
    mkdirSync(path, { recursive: true, mode: 0o711 })
    mkdirSync(join(path, 'logs'), { recursive: true, mode: 0o700 })
    mkdirSync(join(path, 'deployments'), { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError(`The folder ${path} (OCTOPOD_HOME) cannot be used: ${(error as Error).message}.`)
  }
  return { path, file: (name) => join(path, name) }
}

/** The port an engine had last time, else `preferred`, else any free one; remembered. */
export async function datastorePort(dataDir: DataDir, name: string, preferred: number): Promise<number> {
  const file = dataDir.file('ports.json')
  const wanted = readPorts(file)[name] ?? preferred
  const port = (await portError(wanted)) === null ? wanted : await freePort()
  // Read again: the other engine may have written in between.
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

/** Writes an env file as `node --env-file` and a shell read it. @throws Problem for a value no quoting can hold. */
export function writeEnvironmentFile(dataDir: DataDir, values: Record<string, string>): void {
  const lines = Object.entries(values).map(([name, value]) => {
    const quote = ["'", '"', '`'].find((mark) => !value.includes(mark))
    if (quote === undefined)
      throw new UserError(`${name} holds all three kinds of quotes: choose another value.`)
    return `${name}=${quote}${value}${quote}`
  })
  const head = '# Written by npm start at every start; what is set in the environment wins.\n'
  writeFileAtomically(dataDir.file('environment'), `${head}${lines.join('\n')}\n`)
}

/** Whole or not at all, readable by the owner alone. */
function writeFileAtomically(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
