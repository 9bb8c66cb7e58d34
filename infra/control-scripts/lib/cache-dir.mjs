/**
 * Finds the folder for cached and temporary files. Only this user can read it. OCTOPOD_SCRIPTS_CACHE sets it; the
 * default is below the home folder, or else below the system's temporary folder. Called by cache.mjs and by scripts
 * that need temporary files.
 */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from './arguments.mjs'

/** The age at which a folder of a killed script is removed by a later one. */
const abandonedMs = 2 * 60 * 60 * 1000
let chosenFolder

/** @throws UserError when no folder is writable. */
export function cacheDir() {
  chosenFolder ??= candidateFolders().find(isPrivate)
  if (chosenFolder === undefined)
    throw new UserError(`No cache folder: this user can write to none of ${candidateFolders().join(', ')}.`)
  return chosenFolder
}

/** Calls `work` with a new private folder, and removes the folder afterwards, also on SIGTERM. */
export async function withPrivateFolder(work) {
  const parent = join(cacheDir(), 'private')
  mkdirSync(parent, { recursive: true, mode: 0o700 })
  removeAbandoned(parent)
  const folder = mkdtempSync(join(parent, 'x-'))
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

function candidateFolders() {
  const named = process.env.OCTOPOD_SCRIPTS_CACHE
  if (named) return [named]
  const user = process.getuid?.() ?? 'user'
  return [join(homedir(), '.cache', 'octopod-scripts'), join(tmpdir(), `octopod-scripts-${user}`)]
}

/** A folder of another user is not accepted. */
function isPrivate(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const stat = lstatSync(folder)
    const isOwner = process.getuid === undefined || stat.uid === process.getuid()
    if (!stat.isDirectory() || !isOwner || (stat.mode & 0o077) !== 0) return false
    rmSync(mkdtempSync(join(folder, 'try-')), { recursive: true })
    return true
  } catch {
    return false
  }
}

function removeAbandoned(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    try {
      if (Date.now() - statSync(path).mtimeMs > abandonedMs) rmSync(path, { recursive: true, force: true })
    } catch {
      // Another script has removed it already.
    }
  }
}
