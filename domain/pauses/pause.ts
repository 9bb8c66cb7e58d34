/**
 * What can be paused for all deployments, and how a pause is described. Used by the server, the page and octo. Free of zod: the page
 * loads it.
 */
import { withoutControlCharacters } from '../../lib/hidden-characters.ts'

/** `paused`: the beginning of a sentence. */
export const pausable = {
  checks: {
    label: 'Health checks',
    paused: 'Health checks are paused',
    stops:
      'Only a deployment that an action has just changed is checked. All other statuses stay as they are.',
  },
  retention: {
    label: 'Retention',
    paused: 'Retention is paused',
    stops: 'Nothing is deleted because of its age or size.',
  },
  notifications: {
    label: 'Notifications',
    paused: 'Notifications are paused',
    stops: 'They wait and are sent afterwards.',
  },
} as const

export type Pausable = keyof typeof pausable
export const allPausable = Object.keys(pausable) as [Pausable, ...Pausable[]]

export type Pause = { what: Pausable; since: string; until: string | null; by: string; reason: string }

/** `ann until 2026-03-01 12:00 UTC: cluster upgrade`. */
export const pauseText = ({ by, until, reason }: Pause): string =>
  `${by} ${until === null ? 'without an end' : `until ${until.slice(0, 16).replace('T', ' ')} UTC`}: ${reason}`

/** A year. A pause without an end is possible, so this finds mistyped ends only. */
export const maxPauseSeconds = 366 * 24 * 3600
const maxReasonLength = 300
/** Without what joins the parts of an emoji or the letters of a word. */
const invisible = /(?![\u200c\u200d])[\p{Cf}\p{Zl}\p{Zp}]/u
/** Some letters, such as U+3164, have no shape. */
const readable = /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}]/u
const manyMarks = /\p{M}{6}/u

/** The error of a reason without white space at its ends, or null. */
export function pauseReasonError(reason: string): string | null {
  if (reason === '') return 'A pause needs a reason: everybody reads it on the page.'
  if (reason.length > maxReasonLength)
    return `The reason is too long (${reason.length} characters): at most ${maxReasonLength}.`
  if (!reason.isWellFormed()) return 'The reason is not valid Unicode.'
  if (withoutControlCharacters(reason) !== reason)
    return 'The reason contains a control character, or one that overrides the direction of text.'
  if (invisible.test(reason)) return 'The reason contains an invisible character.'
  if (!readable.test(reason) || manyMarks.test(reason))
    return 'The reason needs letters or digits that everybody can read.'
  return null
}
