/**
 * Where a deployment lives on this machine: its folder below OCTOPOD_LOCAL_DATA, and the port of its link, which
 * is kept through archive and restore. A port belongs to the folder that is named in ports/<port>.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Refusal } from '../../lib/arguments.mjs'

/** Below the range from which the system takes ports for outgoing connections. */
const firstPort = 20000
const portCount = 10000

export function dataRoot() {
  return resolve(process.env.OCTOPOD_LOCAL_DATA || join(homedir(), '.octopod-deployments'))
}

/** Several projects and namespaces can share a machine. */
export function folderOf(request) {
  return join(dataRoot(), fileName(request['project-name']), fileName(request.namespace), request.name)
}

/** Any text as one harmless file name. */
function fileName(text) {
  return encodeURIComponent(text).replace(/^\./, '%2E') || '%'
}

/** The port of the deployment as it was promised; null when none was. */
export function keptPort(folder) {
  const port = Number(read(join(folder, 'port')))
  return port > 0 && read(claimFile(port)) === folder ? port : null
}

/** The port it has, unless a stranger took it meanwhile, else a new one. `isOurs`: our own app listens there. */
export async function promisePort(folder, isOurs) {
  const kept = keptPort(folder)
  if (kept !== null && (isOurs(kept) || (await isFree(kept)))) return kept
  if (kept !== null) releasePort(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(join(dataRoot(), 'ports'), { recursive: true, mode: 0o700 })
  for (let step = 0; step < portCount; step += 1) {
    const port = firstPort + ((hash(folder) + step) % portCount)
    if (!claim(port, folder)) continue
    if (await isFree(port)) {
      writeFileSync(join(folder, 'port'), String(port))
      return port
    }
    rmSync(claimFile(port), { force: true })
  }
  throw new Refusal(`None of the ports ${firstPort} to ${firstPort + portCount - 1} is free.`)
}

export function releasePort(folder) {
  const port = keptPort(folder)
  if (port !== null) rmSync(claimFile(port), { force: true })
}

/** One of many at once gets it; that of a folder which is gone can be taken over. */
function claim(port, folder) {
  const file = claimFile(port)
  const owner = read(file)
  if (owner !== null && owner !== folder && !exists(owner)) rmSync(file, { force: true })
  try {
    writeFileSync(file, folder, { flag: 'wx' })
    return true
  } catch {
    return read(file) === folder
  }
}

function claimFile(port) {
  return join(dataRoot(), 'ports', String(port))
}

function isFree(port) {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', () => settle(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => settle(true)))
  })
}

/** The same name gets the same port again wherever it can (FNV-1a). */
function hash(text) {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 0x01000193) >>> 0
  return value
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function exists(folder) {
  try {
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}
