/** The name rule of deployments. */
import { escapeHiddenCharacters } from '../lib/hidden-characters.ts'

export const deploymentNamePattern = /^[a-z][a-z0-9-]{1,15}$/

/** The error of a name, for the user who typed it; null when the name is valid. */
export function deploymentNameError(name: string): string | null {
  if (deploymentNamePattern.test(name)) return null
  if (name === '') return 'A deployment needs a name.'
  const shown = escapeHiddenCharacters(name.slice(0, 40))
  if (name.length < 2) return `Name "${shown}" is too short: 2 to 16 characters.`
  if (name.length > 16) return `Name "${shown}" is too long (${name.length} characters): 2 to 16 characters.`
  if (!/^[a-z]/.test(name)) return `Name "${shown}" must begin with a letter a-z.`
  return `Name "${shown}" may hold only a-z, 0-9 and -.`
}
