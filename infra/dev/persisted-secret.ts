/** Secrets that are generated once and stored in a file that only the owner can read. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

/** The secret in `file`. The first call generates it, with `prefix` before it. */
export function persistedSecret(file: string, prefix = ''): string {
  try {
    writeFileSync(file, `${prefix}${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8').trim()
}
