/** Answers for what is made up once and kept: passwords, headers. Readable by the owner alone. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

/** The secret in `file`; made at the first call. `prefix` is put before a new one. */
export function persistedSecret(file: string, prefix = ''): string {
  try {
    writeFileSync(file, `${prefix}${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8').trim()
}
