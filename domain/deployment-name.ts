/** The name rule of deployments, and a valid name for a text that is none. Free of zod: the page loads it. */
import { escapeHiddenCharacters } from '../lib/hidden-characters.ts'

/** NAME_MAX_LENGTH where it is not set, as in Octopod 1.6. */
export const defaultNameMaxLength = 16
/** The longest name of a Helm release. No installation allows a longer name. */
export const longestNameLength = 53

export const deploymentNamePattern = (maxLength: number) => new RegExp(`^[a-z][a-z0-9-]{1,${maxLength - 1}}$`)

const allowed = /^[a-z][a-z0-9-]+$/

/** The error of a name, for the user who typed it; null when the name is valid. `maxLength`: NAME_MAX_LENGTH. */
export function deploymentNameError(name: string, maxLength: number = defaultNameMaxLength): string | null {
  if (name === '') return 'A deployment needs a name.'
  const shown = escapeHiddenCharacters(name.slice(0, 40))
  if (name.length < 2) return `Name "${shown}" is too short: 2 to ${maxLength} characters.`
  if (name.length > maxLength)
    return `Name "${shown}" is too long (${name.length} characters): 2 to ${maxLength} characters.`
  if (allowed.test(name)) return null
  if (!/^[a-z]/.test(name)) return `Name "${shown}" must begin with a lower-case letter a-z.`
  return `Name "${shown}" may hold only a-z, 0-9 and -.`
}

/** The same with a valid name to use instead, if there is one. */
export function describeNameError(name: string, maxLength: number): string | null {
  const error = deploymentNameError(name, maxLength)
  const suggested = error === null ? null : suggestName(name, maxLength)
  return suggested === null ? error : `${error} Try ${suggested}.`
}

/** A longer text is cut before it is read. */
const maxReadLength = 1000

/** A valid name for a text such as that of a branch: `Feature/Login_2` becomes `feature-login-2`. Null without letters and digits. */
export function suggestName(text: string, maxLength: number): string | null {
  const words = text
    .slice(0, maxReadLength)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
  if (words.length === 0) return null
  const name = words.join('-')
  const cut = (/^[a-z]/.test(name) ? name : `d-${name}`).slice(0, maxLength).replace(/-$/, '')
  return cut.length < 2 ? `${cut}1` : cut
}
