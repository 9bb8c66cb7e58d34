/** What an accepted update takes the place of: another update, which has not started. Called by update-with-retry.ts. */
import { diffOverrides } from '../../client/config-diff.ts'
import { type ByLevel, normalizeKey, type Override, overridesFromWire } from '../../domain/overrides.ts'
import type { WaitingAction } from '../../domain/schemas.ts'
import type { ApiClient } from '../api/types.ts'
import { subjectOf } from '../output/explanation.ts'

/** Removes the keys in `unset`, then adds the overrides in `set`. */
export type OverrideChange = { set: readonly Override[]; unset: readonly string[] }

/** Longer lists are cut. */
const maxKeys = 10

/** A sentence with the keys that are not deployed as `waiting` wanted, without those that `change` names. Null: it was not replaced. */
export async function describeReplaced(
  client: ApiClient,
  waiting: WaitingAction | null | undefined,
  sent: ByLevel<readonly Override[]>,
  change: ByLevel<OverrideChange>,
): Promise<string | null> {
  if (waiting?.action !== 'UpdateAction') return null
  const replaced = await client.call('getAction', { params: { action_id: waiting.action_id } })
  if (replaced.state !== 'superseded') return null
  const wanted = overridesFromWire(replaced)
  const keys = (['application', 'deployment'] as const).flatMap((level) => {
    const { set, unset } = change[level]
    const named = new Set([...set.map(([key]) => key), ...unset.map(normalizeKey)])
    return diffOverrides(wanted[level], sent[level])
      .map(({ key }) => key)
      .filter((key) => !named.has(key))
  })
  const listed = keys.slice(0, maxKeys).join(', ') + (keys.length > maxKeys ? ' and others' : '')
  const lost = keys.length === 0 ? '' : ` Its changes of these keys are not in the new config: ${listed}.`
  return `Replaces ${subjectOf(replaced)} by ${replaced.actor}, which waited.${lost}`
}
