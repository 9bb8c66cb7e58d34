/**
 * Which values of a config or an environment are secret: by the words of their keys, and passwords in URLs under any
 * key. Called by the runner, which redacts them in output. test/domain/secrets/examples.ts is a table of examples.
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

/**
 * Up to the last `@` before the path, because a password may contain one. A short password is found only together
 * with its user name.
 */
function urlPasswords(value: string): string[] {
  if (!value.includes('://')) return []
  return [...value.matchAll(/:\/\/([^\s/?#@:]*):([^\s/?#]+)@/g)].map(([, user = '', password = '']) =>
    isMaskable(password) ? password : `${user}:${password}@`,
  )
}
