/**
 * Reads the claims of an ID token and of userinfo. They come from outside: everything is checked, cleaned and limited.
 * Called by provider.ts.
 */
import { withoutControlCharacters } from '../../../lib/hidden-characters.ts'
import { SignInError } from './sign-in-error.ts'

export type Claims = Readonly<Record<string, unknown>>

export type Person = {
  displayName: string
  /** A hint for people. Nobody is identified by it: providers reuse addresses and some do not verify them. */
  email: string | null
  groups: string[]
}

export type ClaimOptions = {
  groupsClaim: string
  /** Empty: everybody may sign in. */
  allowedGroups: readonly string[]
  /** Which groups are kept when all of them are too large for a session. */
  isRelevantGroup: (group: string) => boolean
}

const maxGroupsBytes = 64 * 1024
const maxNameLength = 200

/** Throws SignInError: groups_missing, not_in_allowed_groups. */
export function readPerson(claims: Claims, subject: string, options: ClaimOptions): Person {
  const groups = readGroups(claims, options.groupsClaim)
  const { allowedGroups } = options
  if (allowedGroups.length > 0 && !groups.some((group) => allowedGroups.includes(group)))
    throw new SignInError(
      'not_in_allowed_groups',
      `none of the ${groups.length} groups in the claim "${options.groupsClaim}" is in OIDC_ALLOWED_GROUPS`,
    )
  const email = readEmail(claims)
  const name = [claims.name, claims.preferred_username, email, subject]
    .map(readName)
    .find((one) => one !== '')
  return { displayName: name ?? subject, email, groups: limitGroups(groups, options.isRelevantGroup) }
}

/** Whether userinfo may add something. Throws groups_missing: userinfo of Entra does not have the groups either. */
export function isIncomplete(claims: Claims, groupsClaim: string): boolean {
  if (claims[groupsClaim] === undefined && hasGroupOverage(claims, groupsClaim))
    throw new SignInError(
      'groups_missing',
      `the ID token refers to "_claim_sources" instead of the claim "${groupsClaim}": docs/sign-in.md says what to set`,
    )
  return claims.name === undefined || claims.email === undefined || claims[groupsClaim] === undefined
}

/** With more than 200 groups, Entra sends a reference instead: `_claim_names` (`hasgroups` in short tokens). */
function hasGroupOverage({ _claim_names: names, hasgroups }: Claims, groupsClaim: string): boolean {
  if (typeof names === 'object' && names !== null && Object.hasOwn(names, groupsClaim)) return true
  return groupsClaim === 'groups' && (hasgroups === true || hasgroups === 'true')
}

/** At most 255 characters by the specification. Throws bad_provider_response. */
export function readSubject(claims: Claims): string {
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || !isPlainText(sub))
    throw new SignInError('bad_provider_response', 'the claim "sub" is missing, too long or no plain text')
  return sub
}

/** Whether the text can be stored, compared and shown as it is. */
const isPlainText = (text: string) => text.isWellFormed() && withoutControlCharacters(text) === text

function readGroups(claims: Claims, groupsClaim: string): string[] {
  const value = claims[groupsClaim]
  const groups = Array.isArray(value) ? value : [value]
  return [
    ...new Set(groups.filter((one) => typeof one === 'string' && one !== '' && isPlainText(one)) as string[]),
  ]
}

function limitGroups(groups: string[], isRelevant: (group: string) => boolean): string[] {
  if (sizeOf(groups) <= maxGroupsBytes) return groups
  let sizeBytes = 2
  return groups.filter((group) => {
    if (!isRelevant(group)) return false
    sizeBytes += sizeOf(group) + 1
    return sizeBytes <= maxGroupsBytes
  })
}

const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

function readEmail({ email, email_verified: verified }: Claims): string | null {
  if (typeof email !== 'string' || verified === false || verified === 'false') return null
  return email.length <= 254 && email.includes('@') && isPlainText(email) ? email : null
}

const readName = (value: unknown): string =>
  typeof value === 'string'
    ? withoutControlCharacters(value).trim().slice(0, maxNameLength).toWellFormed()
    : ''
