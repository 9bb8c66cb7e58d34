import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Names, sizes and times of all files below, so that a change is noticed. Part of the cache keys of charts and
 * manifests.
 */
export function fileStamps(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return [[path, stat.size, stat.mtimeMs]]
  return readdirSync(path).flatMap((name) => fileStamps(join(path, name)))
}
