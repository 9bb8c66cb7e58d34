/** Everything about secret values in configs, made once from the settings and the key of the installation. */
import type { ServerSettings } from '../../domain/settings.ts'
import { createSecretHider, type SecretHider } from './hide-secrets.ts'
import { createReferences, type References } from './references.ts'

export type Secrets = { references: References; hider: SecretHider }

export function createSecrets(
  { SECRET_KEYS }: Pick<ServerSettings, 'SECRET_KEYS'>,
  referenceKey: Buffer,
): Secrets {
  const references = createReferences(referenceKey)
  return { references, hider: createSecretHider(references, SECRET_KEYS) }
}
