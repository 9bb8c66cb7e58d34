/**
 * Labels and the title of a deployment, and selectors that choose deployments by their labels: the rules and the syntax of
 * Kubernetes. Used by the server, the page and octo. Free of zod: the page loads it.
 */
import { escapeHiddenCharacters, withoutControlCharacters } from '../lib/hidden-characters.ts'

export type Labels = Readonly<Record<string, string>>

/** Of one deployment. */
export const maxLabels = 64
export const maxTitleLength = 100
const maxNameLength = 63
const maxPrefixLength = 253
const maxSelectorLength = 4000

/** Linear: two characters of the class decide where the middle ends. */
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/
const prefixPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

/** The error of a key, for the user who typed it; null when it is valid. `team`, `example.com/team`. */
export function labelKeyError(key: string): string | null {
  if (key === '') return 'A label needs a key.'
  const shown = quote(key)
  const at = key.indexOf('/')
  const [prefix, name] = at < 0 ? [null, key] : [key.slice(0, at), key.slice(at + 1)]
  if (prefix !== null && (prefix.length > maxPrefixLength || !prefixPattern.test(prefix)))
    return `Label key ${shown}: what comes before / is a DNS name of at most ${maxPrefixLength} characters, as in example.com/team.`
  if (name.length > maxNameLength)
    return `Label key ${shown} is too long: at most ${maxNameLength} characters${prefix === null ? '' : ' after /'}.`
  if (!namePattern.test(name))
    return `Label key ${shown} may hold only letters, digits, -, _ and ., and begins and ends with a letter or a digit.`
  return null
}

/** The error of a value, or null. A value may be empty. */
export function labelValueError(key: string, value: string): string | null {
  if (value === '') return null
  const shown = `The value ${quote(value)} of label ${quote(key)}`
  if (value.length > maxNameLength) return `${shown} is too long: at most ${maxNameLength} characters.`
  if (!namePattern.test(value))
    return `${shown} may hold only letters, digits, -, _ and ., and begins and ends with a letter or a digit.`
  return null
}

/** Line ends of Unicode, marks of the direction of text and the byte order mark. */
const invisible = /[\u2028\u2029\u061c\u200e\u200f\ufeff]/

/** The error of a title without white space at its ends, or null. */
export function titleError(title: string): string | null {
  if (title.trim() === '') return 'A title is not empty: null removes it.'
  if (title.length > maxTitleLength)
    return `The title is too long (${title.length} characters): at most ${maxTitleLength}.`
  if (!title.isWellFormed()) return 'The title is not valid Unicode.'
  if (withoutControlCharacters(title) !== title || invisible.test(title))
    return 'The title contains a control character, or one that overrides the direction of text.'
  return null
}

/** What a selector asks for; all requirements must hold. `not_in` also holds without the label. */
export type Requirement = {
  key: string
  operator: 'in' | 'not_in' | 'exists' | 'not_exists'
  /** Empty for exists and not_exists. */
  values: readonly string[]
}
export type Selector = readonly Requirement[]
export type ParsedSelector = { selector: Selector; error?: never } | { selector?: never; error: string }

/** `team=shop,env in (qa, stage),!old`. An empty text matches everything. */
export function parseSelector(text: string): ParsedSelector {
  if (text.length > maxSelectorLength)
    return { error: `The selector is longer than ${maxSelectorLength} characters.` }
  if (text.trim() === '') return { selector: [] }
  const selector: Requirement[] = []
  for (const part of splitAtCommas(text)) {
    const requirement = parseRequirement(part.trim())
    if (typeof requirement === 'string') return { error: requirement }
    selector.push(requirement)
  }
  return { selector }
}

export const matchesSelector = (selector: Selector, labels: Labels): boolean =>
  selector.every((requirement) => isMet(requirement, labels))

function isMet({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value)
    case 'not_in':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case 'not_exists':
      return value === undefined
  }
}

/** Commas within parentheses belong to a list of values. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = []
  let [start, depth] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    if (text[at] === ')') depth -= 1
    if (text[at] !== ',' || depth > 0) continue
    parts.push(text.slice(start, at))
    start = at + 1
  }
  return [...parts, text.slice(start)]
}

/** Returns a message for an invalid part. */
function parseRequirement(part: string): Requirement | string {
  if (part === '') return 'The selector has an empty part: write team=shop,env=qa.'
  const requirement = readRequirement(part)
  if (requirement === null)
    return `The selector does not understand ${quote(part)}: write key=value, key!=value, key in (a,b), key notin (a,b), key or !key.`
  const { key, values } = requirement
  const problem = labelKeyError(key) ?? values.map((value) => labelValueError(key, value)).find(Boolean)
  return problem ?? requirement
}

function readRequirement(part: string): Requirement | null {
  const listed = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (listed !== null) {
    const [, key = '', operator, list = ''] = listed
    const values = list.split(',').map((value) => value.trim())
    return { key, operator: operator === 'in' ? 'in' : 'not_in', values }
  }
  const compared = /^([^\s=!]+)\s*(==|!=|=)\s*([^\s=!(),]*)$/.exec(part)
  if (compared !== null) {
    const [, key = '', operator, value = ''] = compared
    return { key, operator: operator === '!=' ? 'not_in' : 'in', values: [value] }
  }
  const alone = /^(!?)\s*([^\s=!(),]+)$/.exec(part)
  if (alone === null) return null
  const [, not, key = ''] = alone
  return { key, operator: not === '!' ? 'not_exists' : 'exists', values: [] }
}

const quote = (text: string) =>
  escapeHiddenCharacters(JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text))
