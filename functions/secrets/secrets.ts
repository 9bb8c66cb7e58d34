/** Everything about secret values in configs, made once from the settings and the database. Created by create-services.ts. */
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { readReferenceKey } from '../../db/queries/access/installation.ts'
import { readSecretKeys } from '../../db/queries/secrets/secret-keys.ts'
import { withMarkedKeys } from '../../domain/secrets/secret-values.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { startPeriodic } from '../../lib/periodic.ts'
import { createSecretHider, type SecretHider } from './hide-secrets.ts'
import { createReferences, type References } from './references.ts'

export type Secrets = {
  references: References
  hider: SecretHider
  /** Names the secret keys, also those that a keys script has marked: another object after a change. */
  keyPattern(): RegExp
}

const readIntervalMs = 5000

/** Reads the keys that keys scripts have marked again and again until it is closed. */
export async function openSecrets(
  settings: Pick<ServerSettings, 'SECRET_KEYS'>,
  db: Database,
  log: Logger,
): Promise<{ secrets: Secrets; close(): void }> {
  let keyPattern = settings.SECRET_KEYS
  let marked = ''
  const read = async () => {
    const keys = await readSecretKeys(db)
    if (keys.join(' ') === marked) return
    marked = keys.join(' ')
    keyPattern = withMarkedKeys(settings.SECRET_KEYS, keys)
  }
  await read()
  const secrets = createSecrets(() => keyPattern, await readReferenceKey(db))
  const logFailure = (err: unknown, message: string) => log.warn({ err }, message)
  const reading = startPeriodic(logFailure, 'reading secret keys', readIntervalMs, read)
  return { secrets, close: () => void reading.stop() }
}

export function createSecrets(keyPattern: () => RegExp, referenceKey: Buffer): Secrets {
  const references = createReferences(referenceKey)
  return { references, hider: createSecretHider(references, keyPattern), keyPattern }
}
