/**
 * What a request changes in a config, for the audit log: with secret values masked, and bounded. Called by functions/deployments, and
 * by functions/audit for readers.
 */
import { cutList, cutText } from '../../lib/cut-text.ts'
import type { ByLevel, ConfigLevel, Override, OverrideValue } from '../overrides.ts'
import { isSecretPair, toWords } from '../secrets/secret-values.ts'
import type { AuditDetails, AuditedChange, AuditedValue } from './operations.ts'

const maxTextLength = 200
const maxChanges = 100
/** All changes together, as JSON. The database cuts all details at twice as many. */
const maxBytes = 16_000

/** Overrides that are set, changed or taken away, sorted by level and key. `secretKeys`: SECRET_KEYS. */
export function describeConfigChanges(
  before: ByLevel<readonly Override[]>,
  after: ByLevel<readonly Override[]>,
  secretKeys: RegExp,
): Required<Pick<AuditDetails, 'changes' | 'more_changes'>> {
  const all = (['application', 'deployment'] as const).flatMap((level) => [
    ...changesOf(level, before[level], after[level], secretKeys),
  ])
  const kept = cutList(all.slice(0, maxChanges), maxBytes)
  return { changes: kept, more_changes: all.length - kept.length }
}

/** For a reader: a key may have become secret after the entry was written. */
export function maskSecretChanges(changes: readonly AuditedChange[], secretKeys: RegExp): AuditedChange[] {
  return changes.map((change) => {
    const mask = (value: AuditedValue): AuditedValue =>
      value?.tag === 'value' && isSecret(change.key, value.text, secretKeys) ? { tag: 'masked' } : value
    return { ...change, before: mask(change.before), after: mask(change.after) }
  })
}

function* changesOf(
  level: ConfigLevel,
  before: readonly Override[],
  after: readonly Override[],
  secretKeys: RegExp,
): Generator<AuditedChange, void> {
  const [old, now] = [new Map(before), new Map(after)]
  for (const key of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [oldValue, newValue] = [old.get(key), now.get(key)]
    if (isSame(oldValue, newValue)) continue
    yield {
      level,
      key,
      before: toAudited(key, oldValue, secretKeys),
      after: toAudited(key, newValue, secretKeys),
    }
  }
}

const isSame = (one: OverrideValue | undefined, other: OverrideValue | undefined): boolean =>
  one?.tag === other?.tag && contentsOf(one) === contentsOf(other)

const contentsOf = (value: OverrideValue | undefined) => (value?.tag === 'ValueAdded' ? value.contents : null)

function toAudited(key: string, value: OverrideValue | undefined, secretKeys: RegExp): AuditedValue {
  if (value === undefined) return null
  if (value.tag === 'ValueDeleted') return { tag: 'removed' }
  if (isSecret(key, value.contents, secretKeys)) return { tag: 'masked' }
  const { contents } = value
  return {
    tag: 'value',
    text: contents.length > maxTextLength ? `${cutText(contents, maxTextLength - 1)}…` : contents,
  }
}

/** Stricter than what callers see of a config: in a log that nobody can change, every value under such a key is masked. */
const isSecret = (key: string, contents: string, secretKeys: RegExp): boolean =>
  [key, toWords(key)].some((form) => form.search(secretKeys) !== -1) ||
  isSecretPair(key, contents, secretKeys)
