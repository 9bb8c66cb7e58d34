/**
 * Which values of a config or an environment are secret: by the words of their keys, and passwords in URLs under any
 * key. The runner redacts them in output, and the server hides them in configs (functions/secrets).
 * test/domain/secrets/examples.ts is a table of examples.
 */
import type { KeyValue } from '../overrides.ts'

/**
 * The default of SECRET_KEYS. It is compared with the words of a key (`toWords`), so `(?<![^._])` and `(?![^._])` are
 * the ends of a word. A word may have a prefix (`dbpassword`). `tls.secretName` is the name of a secret.
 */
export const defaultSecretKeys =
  '(?<![^._])([a-z0-9]*(password|passwd|passphrase|secret|token|credential)s?|pass|pwd|dsn' +
  '|(api|access|private|signing|encryption)_?keys?)\\d*(?![^._])(?![^.]*_(name|ref)s?$)'

/** Masking a shorter value would make output unreadable. */
const minLength = 8
/** For a value whose key is named exactly. */
const minExactLength = 4
const commonWord = /^(true|false|yes|no|on|off|null|none|undefined)$/i
const number = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i

/** `keyPattern`: SECRET_KEYS. */
export function secretValues(pairs: readonly KeyValue[], keyPattern: RegExp): string[] {
  const global = new RegExp(keyPattern, 'gi')
  const found = pairs.flatMap(([key, value]) => [
    ...(isSecret(key, value.trim(), global) ? [value] : []),
    ...urlPasswords(value),
  ])
  return [...new Set(found)]
}

/**
 * Whether the value is hidden in a config. Wider than {@link secretValues}, because a hidden value makes nothing else unreadable: a
 * short value is hidden too, and a number under a key that ends with the word (`db_password`), but not in the middle (`token.ttl`).
 */
export function isSecretPair(key: string, value: string, keyPattern: RegExp): boolean {
  const text = value.trim()
  if (text === '') return false
  if (urlPasswords(value).length > 0) return true
  if (commonWord.test(text)) return false
  const place = placeOfMatch(key, keyPattern)
  return place === 'end' || (place === 'inside' && !number.test(text))
}

type Place = 'none' | 'inside' | 'end'

/** The same keys come again and again. */
const knownPlaces = new WeakMap<RegExp, Map<string, Place>>()
const maxKnownKeys = 10_000

function placeOfMatch(key: string, keyPattern: RegExp): Place {
  const known = knownPlaces.get(keyPattern) ?? new Map<string, Place>()
  knownPlaces.set(keyPattern, known)
  const before = known.get(key)
  if (before !== undefined) return before
  const global = new RegExp(keyPattern, 'gi')
  const places = [key, toWords(key)].flatMap((form) =>
    [...form.matchAll(global)].map(({ 0: match, index }) =>
      index + match.length === form.length ? 'end' : 'inside',
    ),
  )
  const place = places.includes('end') ? 'end' : (places[0] ?? 'none')
  if (known.size >= maxKnownKeys) known.clear()
  known.set(key, place)
  return place
}

/** The pattern that also names the keys that a keys script has marked. */
export function withMarkedKeys(keyPattern: RegExp, keys: readonly string[]): RegExp {
  if (keys.length === 0) return keyPattern
  return new RegExp(`${keyPattern.source}|^(?:${keys.map(escapeRegExp).join('|')})$`, 'i')
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/**
 * The words of each part of a key in lower case, joined by `_`: `db.rootPassword` becomes `db.root_password`, and
 * `API-TOKEN` becomes `api_token`.
 */
export function toWords(key: string): string {
  return key
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_')
    .replaceAll('-', '_')
    .toLowerCase()
}

function isSecret(key: string, value: string, keyPattern: RegExp): boolean {
  if (commonWord.test(value)) return false
  const forms = [key, toWords(key)]
  if (isMaskable(value)) return forms.some((form) => form.search(keyPattern) !== -1)
  return value.length >= minExactLength && forms.some((form) => isNamedExactly(form, keyPattern))
}

function isMaskable(value: string): boolean {
  return value.length >= minLength && !number.test(value)
}

/** Whether a match is the whole key or all after a dot: `pin` names `db.pin` exactly, but not `db.pin_length`. */
function isNamedExactly(key: string, keyPattern: RegExp): boolean {
  return [...key.matchAll(keyPattern)].some(
    ({ 0: match, index }) =>
      index + match.length === key.length && (index === 0 || key[index - 1] === '.' || key[index] === '.'),
  )
}

/** The text without the passwords of its URLs. */
export const hideUrlPasswords = (text: string): string =>
  text.includes('://') ? text.replace(urlPassword, (_, user: string) => `://${user}:***@`) : text

const urlPassword = /:\/\/([^\s/?#@:]*):([^\s/?#]+)@/g

/**
 * Up to the last `@` before the path, because a password may contain one. A short password is found only together
 * with its user name.
 */
function urlPasswords(value: string): string[] {
  if (!value.includes('://')) return []
  return [...value.matchAll(urlPassword)].map(([, user = '', password = '']) =>
    isMaskable(password) ? password : `${user}:${password}@`,
  )
}
