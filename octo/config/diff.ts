/** The differences between two configs of one level. Called by commands/config/diff.ts. */
import type { KeyValue } from '../../domain/overrides.ts'
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'
import type { LevelName } from '../overrides/level-names.ts'
import { shownValue } from './shown-value.ts'

/** `from` or `to` is null when that config does not have the key. */
export type Difference = {
  level: LevelName
  key: string
  from: string | null
  to: string | null
}

/** Sorted by key. */
export function diffConfigs(
  level: LevelName,
  from: readonly KeyValue[],
  to: readonly KeyValue[],
): Difference[] {
  const fromValues = new Map(from)
  const toValues = new Map(to)
  return [...new Set([...fromValues.keys(), ...toValues.keys()])]
    .sort()
    .map((key) => ({ level, key, from: fromValues.get(key) ?? null, to: toValues.get(key) ?? null }))
    .filter((difference) => difference.from !== difference.to)
}

/**
 * Differences without references. `notCompared`: keys that are secret on both sides of different deployments, whose references always
 * differ.
 */
export function hideSecrets(
  differences: readonly Difference[],
  ofOneDeployment: boolean,
): { differences: Difference[]; notCompared: string[] } {
  const isSecretInBoth = ({ from, to }: Difference) =>
    from !== null && to !== null && isSecretReference(from) && isSecretReference(to)
  const shown = differences.filter((difference) => ofOneDeployment || !isSecretInBoth(difference))
  return {
    differences: shown.map((difference) => ({
      ...difference,
      from: difference.from === null ? null : shownValue(difference.from),
      to: isSecretInBoth(difference)
        ? '*** (secret, changed)'
        : difference.to === null
          ? null
          : shownValue(difference.to),
    })),
    notCompared: differences.filter((difference) => !shown.includes(difference)).map(({ key }) => key),
  }
}
