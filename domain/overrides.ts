/**
 * Config and overrides: defaults come from scripts, users put overrides on top, the result goes to scripts.
 * Pure rules, shared by the runner, the page and octo; contract §1 and §4.
 */

import { escapeHiddenCharacters, hasHiddenCharacter } from '../lib/hidden-characters.ts'

export type KeyValue = [key: string, value: string]
export type OverrideValue = { tag: 'ValueAdded'; contents: string } | { tag: 'ValueDeleted' }
export type Override = [key: string, value: OverrideValue]

export type ConfigLevel = 'application' | 'deployment'
/** One value for each config level. The whole code spells the levels like this. */
export type ByLevel<T> = { application: T; deployment: T }
/** The spelling of the wire and of the database, which Octopod 1.6 defines. */
export type WireOverrides<T = readonly Override[]> = { app_overrides: T; deployment_overrides: T }

export const noOverrides: ByLevel<readonly Override[]> = { application: [], deployment: [] }

export function overridesFromWire<T>({ app_overrides, deployment_overrides }: WireOverrides<T>): ByLevel<T> {
  return { application: app_overrides, deployment: deployment_overrides }
}

export function overridesToWire<T>({ application, deployment }: ByLevel<T>): WireOverrides<T> {
  return { app_overrides: application, deployment_overrides: deployment }
}

/** Linux limits one argument to 128 KiB. The key, `=` and a margin are subtracted. */
export const maxValueBytes = 100 * 1024
export const maxKeyLength = 256
export const maxOverrides = 2000

export const valueAdded = (key: string, contents: string): Override => [key, { tag: 'ValueAdded', contents }]
export const valueDeleted = (key: string): Override => [key, { tag: 'ValueDeleted' }]

/** Trims the parts of a key and drops empty ones: ` image . tag.` becomes `image.tag`. */
export function normalizeKey(key: string): string {
  return key
    .split('.')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('.')
}

/** The error of a normalized key, or null. Scripts receive `KEY=VALUE`. */
export function configKeyError(key: string): string | null {
  const shown = escapeHiddenCharacters(JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key))
  if (key === '') return 'A config key is empty.'
  if (key.length > maxKeyLength) return `Config key ${shown} is longer than ${maxKeyLength} characters.`
  if (key.includes('=')) return `Config key ${shown} contains "=": scripts receive KEY=VALUE.`
  if (key.startsWith('-')) return `Config key ${shown} begins with "-".`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/[\s\u0000-\u001f\u007f]/.test(key))
    return `Config key ${shown} contains white space or a control character.`
  if (hasHiddenCharacter(key))
    return `Config key ${shown} contains a control character, or one that overrides the direction of text.`
  if (!key.isWellFormed()) return `Config key ${shown} is not valid Unicode.`
  return null
}

/** The error of a value, or null. Newlines, quotes and a leading `-` are allowed. */
export function configValueError(key: string, value: string): string | null {
  if (value.includes('\0')) return `The value of ${key} contains a NUL character.`
  // Half a surrogate pair has no UTF-8 form, and PostgreSQL's jsonb rejects it.
  if (!value.isWellFormed()) return `The value of ${key} is not valid Unicode.`
  // A cheap test first: a UTF-16 unit has at most three bytes in UTF-8.
  if (value.length * 3 <= maxValueBytes) return null
  const bytes = new TextEncoder().encode(value).length
  return bytes > maxValueBytes
    ? `The value of ${key} has ${bytes} bytes; at most ${maxValueBytes} fit.`
    : null
}

/** Applies overrides to the defaults. The defaults keep their order, and new keys follow. */
export function applyOverrides(defaults: readonly KeyValue[], overrides: readonly Override[]): KeyValue[] {
  const config = new Map(defaults)
  for (const [key, value] of overrides) {
    if (value.tag === 'ValueAdded') config.set(key, value.contents)
    else config.delete(key)
  }
  return [...config]
}

/** Removes the `unset` keys from the current overrides, then adds the `set` ones. `octo update` sends the result. */
export function updateOverrides(
  current: readonly Override[],
  set: readonly Override[],
  unset: readonly string[],
): Override[] {
  const result = new Map(current)
  for (const key of unset) result.delete(normalizeKey(key))
  for (const [key, value] of set) result.set(key, value)
  return [...result]
}

/** Parses `KEY=VALUE` from a command line. Null: there is no `=` or no key. */
export function parseKeyValue(text: string): KeyValue | null {
  const at = text.indexOf('=')
  if (at < 0) return null
  const key = normalizeKey(text.slice(0, at))
  return key === '' ? null : [key, text.slice(at + 1).trim()]
}
