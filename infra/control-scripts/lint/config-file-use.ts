/**
 * Gives a script its config in a file as a runner does, and finds out whether the script reads it, by the access time of
 * the file. Called by harness.ts.
 */
import { readFileSync, statSync, utimesSync } from 'node:fs'
import type { EffectiveConfig } from '../../../domain/script.ts'
import {
  formatConfigFile,
  removeConfigFile,
  temporaryFolder,
  writeConfigFile,
} from '../../../runner/process/config-file.ts'
import { readRunnerProcess } from '../../../runner/process/process-table.ts'
import { createMarker, createMarkerPrefix } from '../../../runner/process/script-marker.ts'
import { configFileMessage } from '../../../runner/process/spawn-errors.ts'

/** `unknown`: the disk does not record when a file is read (mount option noatime). */
export type ConfigFileUse = 'read' | 'unread' | 'unknown'

export type LintedConfigFile = { path: string; marker: string; end(): ConfigFileUse }

/** Returns an error message when the file cannot be written. `script`: its path, for the message. */
export function openConfigFile(
  config: EffectiveConfig,
  script: string,
  lifetimeMs: number,
): LintedConfigFile | { error: string } {
  // With this prefix the next runner on this machine removes the file if this process is killed.
  const runner = readRunnerProcess()
  const marker = createMarker(runner === null ? '' : createMarkerPrefix('lint', runner))
  try {
    const path = writeConfigFile(marker, formatConfigFile(config), lifetimeMs)
    forgetReads(path)
    return { path, marker, end: () => endUse(path, marker) }
  } catch (error) {
    return { error: configFileMessage(script, temporaryFolder(), error) }
  }
}

function endUse(path: string, marker: string): ConfigFileUse {
  try {
    if (wasRead(path)) return 'read'
    readFileSync(path)
    return wasRead(path) ? 'unread' : 'unknown'
  } catch {
    // Only a script that knows the file can have removed it.
    return 'read'
  } finally {
    removeConfigFile(marker)
  }
}

/** An access time before the time of the change is updated by the next read, also with the mount option relatime. */
const forgetReads = (path: string) => utimesSync(path, new Date(0), statSync(path).mtime)
const wasRead = (path: string) => statSync(path).atimeMs > 0
