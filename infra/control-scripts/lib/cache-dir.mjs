/**
 * Where scripts keep what they remember between calls, and their private files: one folder that only this user can read.
 * OCTOPOD_SCRIPTS_CACHE names it; otherwise it is below the home folder, or below the system's temporary one.
 */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Refusal } from './arguments.mjs'

/** What a script that was killed left behind is removed by a later one. */
const abandonedMs = 2 * 60 * 60 * 1000
let root

/** @throws Refusal when there is no folder that can be written to. */
export function cacheRoot() {
  root ??= places().find(isPrivate)
  if (root === undefined)
    throw new Refusal(`No folder to work in: none of ${places().join(', ')} can be written to by this user.`)
  return root
}

/** `work` gets a new folder of its own, which is gone afterwards, also when the script is asked to end. */
export async function inPrivateFolder(work) {
  const above = join(cacheRoot(), 'private')
  mkdirSync(above, { recursive: true, mode: 0o700 })
  sweep(above)
  const folder = mkdtempSync(join(above, 'x-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const onTerm = () => {
    remove()
    process.exitCode = 1
  }
  process.on('SIGTERM', onTerm)
  try {
    return await work(folder)
  } finally {
    process.off('SIGTERM', onTerm)
    remove()
  }
}

function places() {
  const named = process.env.OCTOPOD_SCRIPTS_CACHE
  if (named) return [named]
  const user = process.getuid?.() ?? 'user'
  return [join(homedir(), '.cache', 'octopod-scripts'), join(tmpdir(), `octopod-scripts-${user}`)]
}

/** A folder that another user made before us is not taken. */
function isPrivate(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    const isOurs = process.getuid === undefined || found.uid === process.getuid()
    if (!found.isDirectory() || !isOurs || (found.mode & 0o077) !== 0) return false
    rmSync(mkdtempSync(join(folder, 'try-')), { recursive: true })
    return true
  } catch {
    return false
  }
}

function sweep(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    try {
      if (Date.now() - statSync(path).mtimeMs > abandonedMs) rmSync(path, { recursive: true, force: true })
    } catch {
      // Another script was quicker.
    }
  }
}
