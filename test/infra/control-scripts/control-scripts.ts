/** For the tests of the control scripts: their modules, which are plain JavaScript, and a helm where there is one. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toolsFolder } from '../../../infra/test-cluster/tools.ts'

export const controlScriptsDir = join(import.meta.dirname, '../../../infra/control-scripts')

/** A module of the control scripts; `Shape` says what the test uses of it. */
export async function importModule<Shape>(path: string): Promise<Shape> {
  return (await import(pathToFileURL(join(controlScriptsDir, path)).href)) as Shape
}

/** Helm 4 of the Kubernetes tools if they are built, else the one on the PATH, else none. */
export function findHelm(): string | null {
  const built = join(toolsFolder(process.env), 'helm')
  if (existsSync(built)) return built
  return spawnSync('helm', ['version']).status === 0 ? 'helm' : null
}

export const helmIsMissing = findHelm() === null ? 'there is no helm on this machine' : false

export function helm(...args: string[]): string {
  return execFileSync(findHelm() ?? 'helm', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}
