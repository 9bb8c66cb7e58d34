/**
 * Helpers for the tests of the control scripts: their folder, their JavaScript modules, and a helm program if there is
 * one.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toolsFolder } from '../../../infra/test-cluster/tools.ts'

export const controlScriptsDir = join(import.meta.dirname, '../../../infra/control-scripts')

/** Imports a module of the control scripts; `Shape` is the type of what the test uses. */
export async function importModule<Shape>(path: string): Promise<Shape> {
  return (await import(pathToFileURL(join(controlScriptsDir, path)).href)) as Shape
}

/** The helm of the Kubernetes tools if they are built, else the one on the PATH, else null. */
export function findHelm(): string | null {
  const built = join(toolsFolder(process.env), 'helm')
  if (existsSync(built)) return built
  return spawnSync('helm', ['version']).status === 0 ? 'helm' : null
}

export const helmIsMissing = findHelm() === null ? 'this machine has no helm' : false

export function helm(...args: string[]): string {
  return execFileSync(findHelm() ?? 'helm', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}
