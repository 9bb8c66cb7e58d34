/**
 * Characters that make a text look different from what it is: control codes of the set C1, and those that override the
 * direction of text. Keys, names and reasons may not contain them, and octo escapes them in JSON and YAML. The codes of
 * C0, such as a new line, have rules of their own.
 */

/** The inside of a character class. */
export const hiddenCharacters = '\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069'
const one = new RegExp(`[${hiddenCharacters}]`)
const all = new RegExp(one, 'g')

export const hasHiddenCharacter = (text: string): boolean => one.test(text)

/** Replaces them by escapes such as `\u202e`, which JSON and YAML read within double quotes. */
export function escapeHiddenCharacters(text: string): string {
  return text.replace(all, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const control = new RegExp(`[\\p{Cc}${hiddenCharacters}]`, 'gu')

/** Replaces them and all control codes, also those of C0, by spaces. For names and messages from outside. */
export const withoutControlCharacters = (text: string): string => text.replace(control, ' ')
