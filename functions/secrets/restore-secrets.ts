/**
 * Puts the values back in the place of references in what a client sends. A reference stands for the value that its deployment
 * has now. Called by the handlers that take a config.
 */
import { ApiError } from '../../domain/errors.ts'
import {
  type ByLevel,
  type ConfigLevel,
  type KeyValue,
  normalizeKey,
  type Override,
} from '../../domain/overrides.ts'
import { referencePrefix } from '../../domain/secrets/secret-reference.ts'
import type { References } from './references.ts'

/** A deployment as the database has it. */
export type StoredConfig = { name: string; createdAt: string; overrides: ByLevel<readonly Override[]> }

/**
 * `restored`: the values. `dependsOnStored`: one was taken from the stored config, which must still be the stored one when the
 * result is written.
 */
export type RestoredOverrides = {
  overrides: ByLevel<readonly Override[]>
  restored: readonly string[]
  dependsOnStored: boolean
}

const looksLikeReference = (value: string) => value.startsWith(referencePrefix)

/**
 * The overrides with their values. A reference to a default is left out, so that the default stays. `stored`: null for a create.
 * `seesSecrets`: the caller gets values, so it may send one that looks like a reference back. Throws bad_request, which names every
 * key whose reference does not fit.
 */
export function restoreOverrides(
  references: References,
  name: string,
  overrides: ByLevel<readonly Override[]>,
  stored: StoredConfig | null,
  seesSecrets: boolean,
): RestoredOverrides {
  const wrong: string[] = []
  const values: string[] = []
  const restoreLevel = (level: ConfigLevel): readonly Override[] => {
    const sent = overrides[level]
    if (!sent.some(([, value]) => value.tag === 'ValueAdded' && looksLikeReference(value.contents)))
      return sent
    const current = valuesByKey(stored?.overrides[level] ?? [])
    return sent.flatMap(([key, value]): Override[] => {
      if (value.tag !== 'ValueAdded' || !looksLikeReference(value.contents)) return [[key, value]]
      const reference = references.read(value.contents)
      const place = { level, key }
      if (reference !== null && references.fitsDefault(reference, place)) return []
      const storedValue = current.get(key)
      const fits = reference !== null && stored !== null && references.fitsValue(reference, stored, place)
      const isSentBack = seesSecrets && storedValue === value.contents
      if (storedValue !== undefined && (fits || isSentBack)) {
        values.push(storedValue)
        return [[key, { ...value, contents: storedValue }]]
      }
      wrong.push(key)
      return []
    })
  }
  const restored = { application: restoreLevel('application'), deployment: restoreLevel('deployment') }
  if (wrong.length > 0) throw wrongReference(wrong, stored === null ? null : name)
  return { overrides: restored, restored: values, dependsOnStored: values.length > 0 }
}

const maxNamedKeys = 10

function wrongReference(keys: readonly string[], name: string | null): ApiError {
  const named = keys.slice(0, maxNamedKeys).join(', ') + (keys.length > maxNamedKeys ? ' and others' : '')
  const reason =
    name === null
      ? 'values of secret keys are not copied from another deployment'
      : `it does not stand for a value that this key of deployment ${name} has`
  return new ApiError(
    'bad_request',
    `${named}: the value is a reference to a secret (${referencePrefix}…), and ${reason}. Give the value itself, or leave the key out.`,
  )
}

/** The last value of a key counts. Old databases have keys that are not normalized. */
function valuesByKey(overrides: readonly Override[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const [key, value] of overrides) {
    if (value.tag === 'ValueAdded') values.set(normalizeKey(key), value.contents)
    else values.delete(normalizeKey(key))
  }
  return values
}

/** `restored`: the values that were put in. */
export type RestoredConfig = { pairs: KeyValue[]; restored: string[] }

export type DefaultsSources = {
  /** Whether values of the deployment are put in; null: those of the defaults. */
  mayRestore(name: string | null): Promise<boolean>
  /** Null: it does not exist. */
  readStored(name: string): Promise<StoredConfig | null>
  readDefaults(): Promise<readonly KeyValue[]>
}

/**
 * The deployment config of a query with its values, and those values. References that the caller may not have restored, and a default
 * that is gone, are left out. Throws bad_request for
 * references that do not fit, and for those of several deployments.
 */
export async function restoreDeploymentConfig(
  references: References,
  pairs: readonly KeyValue[],
  { mayRestore, readStored, readDefaults }: DefaultsSources,
  seesSecrets: boolean,
): Promise<RestoredConfig> {
  const read = pairs.map(([, value]) => references.read(value))
  const names = new Set(read.flatMap((reference) => (reference?.name ? [reference.name] : [])))
  if (names.size > 1)
    throw new ApiError(
      'bad_request',
      'The references to secrets are of several deployments: send those of one.',
    )
  const [name] = names
  const restoresValues = name !== undefined && (await mayRestore(name))
  const stored = restoresValues ? await readStored(name) : null
  const current = valuesByKey(stored?.overrides.deployment ?? [])
  const hasDefault = read.some((reference) => reference !== null && reference.name === null)
  const restoresDefaults = hasDefault && (await mayRestore(null))
  const defaults = new Map(restoresDefaults ? await readDefaults() : [])

  const wrong: string[] = []
  const restored: string[] = []
  const result = pairs.flatMap(([key, value], at): KeyValue[] => {
    const reference = read[at] ?? null
    const place = { level: 'deployment', key } as const
    if (reference === null) {
      if (looksLikeReference(value) && !seesSecrets) wrong.push(key)
      return [[key, value]]
    }
    if (!(reference.name === null ? restoresDefaults : restoresValues)) return []
    if (references.fitsDefault(reference, place)) {
      const found = defaults.get(key)
      if (found === undefined) return []
      restored.push(found)
      return [[key, found]]
    }
    const found =
      stored !== null && references.fitsValue(reference, stored, place) ? current.get(key) : undefined
    if (found !== undefined) {
      restored.push(found)
      return [[key, found]]
    }
    wrong.push(key)
    return []
  })
  if (wrong.length > 0) throw wrongReference(wrong, name ?? null)
  return { pairs: result, restored }
}
