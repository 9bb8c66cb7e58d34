/** The differences between two configs of one level. Called by commands/config/diff.ts. */
import { diffValues, isSecretChange } from '../../client/config-diff.ts'
import type { KeyValue } from '../../domain/overrides.ts'
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
export const diffConfigs = (
  level: LevelName,
  from: readonly KeyValue[],
  to: readonly KeyValue[],
): Difference[] =>
  diffValues(from, to)
    .map(({ key, before = null, after = null }) => ({ level, key, from: before, to: after }))
    .sort((left, right) => (left.key < right.key ? -1 : 1))

/**
 * Differences without references. `notCompared`: keys that are secret on both sides of different deployments, whose references always
 * differ.
 */
export function hideSecrets(
  differences: readonly Difference[],
  ofOneDeployment: boolean,
): { differences: Difference[]; notCompared: string[] } {
  const isSecretInBoth = ({ from, to }: Difference) => isSecretChange({ before: from, after: to })
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
