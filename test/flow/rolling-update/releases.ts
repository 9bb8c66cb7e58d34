/**
 * The code of the last release, from the history of this repository. Called by rolling-update.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The last release. Replace it by the commit of each new one: only one step is promised. */
export const lastRelease = { commit: 'c72cbfff', date: '2026-12-01' }

/** Null when this is no checkout with its history. */
export function findCommit(commit: string): string | null {
  try {
    return git('rev-parse', '--verify', '--quiet', `${commit}^{commit}`).trim()
  } catch {
    return null
  }
}

/** A folder with the code of a commit and its packages. `remove` deletes it. */
export async function checkOut(commit: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-release-'))
  const archive = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 2 ** 28 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  // The page is not built: no test of it opens the page of an earlier release.
  await mkdir(join(folder, 'web/dist'), { recursive: true })
  if (hasItsPackages(folder)) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  else
    execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: 'pipe',
    })
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Whether this repository's packages are those that the folder needs to run. */
function hasItsPackages(folder: string): boolean {
  const read = (directory: string) => createRequire(join(directory, 'x.js'))('./package.json')
  const installed: Record<string, string> = read(root).dependencies
  const needed: Record<string, string> = read(folder).dependencies
  return Object.entries(needed).every(([name, version]) => installed[name] === version)
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
