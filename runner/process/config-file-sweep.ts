/**
 * Removes the config files of runners that were killed together with their watchdog. Called by schedules/orphans.ts when a
 * runner starts and from then on.
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { configFileName, configFolderPrefix, temporaryFolder } from './config-file.ts'
import { hasEnded } from './process-table.ts'
import { parseMarker, type RunnerProcess } from './script-marker.ts'

/** For differences of clocks, and for a folder whose file is just being written. */
const marginMs = 10 * 60_000

/**
 * A file of a runner that lives is never removed, whatever its installation. Whether a runner in another PID namespace
 * (a container that shares the temporary folder) lives is not known: its files are removed when their time is over.
 * Returns the number of removed folders. Never throws.
 */
export function sweepConfigFiles(own: RunnerProcess | null): number {
  let removed = 0
  for (const name of listFolders()) {
    const folder = join(temporaryFolder(), name)
    const owner = parseMarker(name.slice(configFolderPrefix.length))?.runner ?? null
    try {
      const { uid } = lstatSync(folder)
      if (uid !== process.getuid?.() || !isAbandoned(folder, owner, own)) continue
      rmSync(folder, { recursive: true, force: true })
      removed += 1
    } catch {
      // Its runner has removed it meanwhile.
    }
  }
  return removed
}

function isAbandoned(folder: string, owner: RunnerProcess | null, own: RunnerProcess | null): boolean {
  if (owner !== null && owner.pidNamespace === own?.pidNamespace) return hasEnded(owner)
  return latestTimeMs(folder) + marginMs < Date.now()
}

function latestTimeMs(folder: string): number {
  const paths = [folder, join(folder, configFileName)]
  return Math.max(...paths.map((path) => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0))
}

function listFolders(): string[] {
  try {
    return readdirSync(temporaryFolder()).filter((name) => name.startsWith(configFolderPrefix))
  } catch {
    return []
  }
}
