/**
 * The optional manifest in the folder of the control scripts: what its scripts can do beyond those of Octopod 1.6. Without
 * it everything is as in 1.6. Read by the runner and by the linter.
 */
import { z } from 'zod'

export const manifestName = 'octopod.yaml'

/** A new key is a line here, with the behaviour of 1.6 as its default. */
const keys = {
  version: z.literal(1, 'version must be 1, the only one that this Octopod knows'),
  one_pipe: z.boolean('one_pipe must be true or false').default(false),
  secret_keys: z.boolean('secret_keys must be true or false').default(false),
  config: z.enum(['argv', 'file'], 'config must be argv or file').default('argv'),
}

export type Manifest = {
  /** What a script prints to stderr goes into the pipe of stdout, so that the order is kept. */
  onePipe: boolean
  /** The keys scripts print `KEY,secret` for a key whose value is secret. */
  marksSecretKeys: boolean
  /** Where a script finds the config values: in its arguments, or in the file that OCTOPOD_CONFIG_FILE names. */
  config: 'argv' | 'file'
}

export const defaultManifest: Manifest = { onePipe: false, marksSecretKeys: false, config: 'argv' }

/** A runner ignores unknown keys: they may be of a later version. */
export type ParsedManifest = { manifest: Manifest; unknownKeys: string[] }

/** Returns an error message instead, as one part of a sentence. */
export function parseManifest(value: unknown): ParsedManifest | { error: string } {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMapping) return { error: 'it must be a mapping with the line "version: 1"' }
  const parsed = z.object(keys).safeParse(value)
  if (!parsed.success) return { error: parsed.error.issues.map(({ message }) => message).join('; ') }
  const { one_pipe: onePipe, secret_keys: marksSecretKeys, config } = parsed.data
  return {
    manifest: { onePipe, marksSecretKeys, config },
    unknownKeys: Object.keys(value).filter((key) => !(key in keys)),
  }
}
