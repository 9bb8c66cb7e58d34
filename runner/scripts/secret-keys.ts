/**
 * Which config keys are secret for this runner: SECRET_KEYS, and the keys that a keys script has marked here or at another runner.
 * Created by open-runner.ts; schedules/secret-keys.ts keeps it up to date.
 */
import type { Database } from '../../db/pool.ts'
import { addSecretKeys, readSecretKeys } from '../../db/queries/secrets/secret-keys.ts'
import { withMarkedKeys } from '../../domain/secrets/secret-values.ts'

export type SecretKeys = {
  pattern(): RegExp
  /** Stores marked keys for all servers and runners. */
  add(keys: readonly string[]): Promise<void>
  /** Reads what other runners have stored. */
  read(): Promise<void>
}

export function createSecretKeys(db: Database, keyPattern: RegExp): SecretKeys {
  let marked: ReadonlySet<string> = new Set()
  let pattern = keyPattern
  const remember = (keys: readonly string[]) => {
    if (keys.every((key) => marked.has(key))) return
    marked = new Set([...marked, ...keys])
    pattern = withMarkedKeys(keyPattern, [...marked])
  }
  return {
    pattern: () => pattern,
    add: async (keys) => {
      const added = keys.filter((key) => !marked.has(key))
      if (added.length === 0) return
      await addSecretKeys(db, added)
      remember(added)
    },
    read: async () => remember(await readSecretKeys(db)),
  }
}
