/**
 * Manages the folder of a deployment below OCTOPOD_LOCAL_DATA and the reserved port of its link, which stays the same
 * through archive and restore. The file ports/<port> contains the folder to which the port belongs. Called by the local
 * scripts.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'

/** These ports are below the range that the system uses for outgoing connections. */
const firstPort = 20000
const portCount = 10000

export function dataDir() {
  return resolve(process.env.OCTOPOD_LOCAL_DATA || join(homedir(), '.octopod-deployments'))
}

/** Project and namespace are part of the path, because several can share a machine. */
export function deploymentDir(request) {
  return join(dataDir(), fileName(request['project-name']), fileName(request.namespace), request.name)
}

/** Encodes any text as a safe file name. */
function fileName(text) {
  return encodeURIComponent(text).replace(/^\./, '%2E') || '%'
}

/** The reserved port of the deployment; null if it has none. */
export function reservedPort(folder) {
  const port = Number(read(join(folder, 'port')))
  return port > 0 && read(reservationFile(port)) === folder ? port : null
}

/**
 * The reserved port, or a new one if another program uses it. `isOwnApp(port)`: the deployment's own app listens there.
 */
export async function reservePort(folder, isOwnApp) {
  const current = reservedPort(folder)
  if (current !== null && (isOwnApp(current) || (await isFree(current)))) return current
  if (current !== null) releasePort(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(join(dataDir(), 'ports'), { recursive: true, mode: 0o700 })
  for (let step = 0; step < portCount; step += 1) {
    const port = firstPort + ((hash(folder) + step) % portCount)
    if (!tryReserve(port, folder)) continue
    if (await isFree(port)) {
      writeFileSync(join(folder, 'port'), String(port))
      return port
    }
    rmSync(reservationFile(port), { force: true })
  }
  throw new UserError(`None of the ports ${firstPort} to ${firstPort + portCount - 1} is free.`)
}

export function releasePort(folder) {
  const port = reservedPort(folder)
  if (port !== null) rmSync(reservationFile(port), { force: true })
}

/** Only one of many concurrent calls succeeds. The reservation of a deleted folder can be taken over. */
function tryReserve(port, folder) {
  const file = reservationFile(port)
  const owner = read(file)
  if (owner !== null && owner !== folder && !exists(owner)) rmSync(file, { force: true })
  try {
    writeFileSync(file, folder, { flag: 'wx' })
    return true
  } catch {
    return read(file) === folder
  }
}

function reservationFile(port) {
  return join(dataDir(), 'ports', String(port))
}

function isFree(port) {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', () => settle(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => settle(true)))
  })
}

/** FNV-1a hash, so that the same name gets the same port again if possible. */
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
