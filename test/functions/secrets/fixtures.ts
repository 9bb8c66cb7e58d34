/** Secrets of an installation with the default of SECRET_KEYS, for tests of what uses them. */
import { defaultSecretKeys } from '../../../domain/secrets/secret-values.ts'
import { createSecrets } from '../../../functions/secrets/secrets.ts'

const keyPattern = new RegExp(defaultSecretKeys, 'i')
export const testSecrets = createSecrets(() => keyPattern, Buffer.alloc(32, 'test key'))
