/**
 * The file through which a script receives its config, for scripts whose manifest says `config: file`. Each script has a
 * private folder of its own in the temporary folder. Written and removed by process.ts; the watchdog and
 * config-file-sweep.ts remove what a killed runner leaves.
 */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { EffectiveConfig } from '../../domain/script.ts'

/** The variable with the path of the file. Values themselves are never in the environment. */
export const configFileVariable = 'OCTOPOD_CONFIG_FILE'

/** The name of a folder is this prefix and the marker of its script. */
export const configFolderPrefix = 'octopod-config.'
export const configFileName = 'config.json'

/** TMPDIR, else /tmp. A restart of the machine or of its container empties it. */
export const temporaryFolder = (): string => resolve(tmpdir())

/** The watchdog gets the path for an empty marker, and adds the marker itself. */
export const configFolder = (marker: string): string => join(temporaryFolder(), configFolderPrefix + marker)

/** Pairs, not objects, so that the order and any key survive in every language. */
export const formatConfigFile = ({ application, deployment }: EffectiveConfig): string =>
  JSON.stringify({ application, deployment })

/**
 * Returns the path. `lifetimeMs`: how long the script may take at most; the file's time says when that is over. Throws
 * the error of the file system, and leaves nothing then. Synchronous, because a script starts without a pause after its
 * lease was tested.
 */
export function writeConfigFile(marker: string, text: string, lifetimeMs: number): string {
  const folder = configFolder(marker)
  const file = join(folder, configFileName)
  // Fails for a folder that exists, so nobody else can have prepared it.
  mkdirSync(folder, { mode: 0o700 })
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
    utimesSync(file, new Date(), new Date(Date.now() + lifetimeMs))
    return file
  } catch (error) {
    removeConfigFile(marker)
    throw error
  }
}

/** Never throws: a script has ended, and its result counts. */
export function removeConfigFile(marker: string): void {
  try {
    rmSync(configFolder(marker), { recursive: true, force: true })
  } catch {
    // The sweep tries again.
  }
}
