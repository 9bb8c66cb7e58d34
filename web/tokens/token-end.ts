/** When an access token ends, in words. */
import type { AccessToken } from '../../domain/access/access-schemas.ts'

const dayMs = 86_400_000
const noticeMs = 7 * dayMs

export const endsSoon = ({ state, expires_at }: Pick<AccessToken, 'state' | 'expires_at'>, nowMs: number) =>
  state === 'valid' && Date.parse(expires_at) - nowMs < noticeMs

/** `in 3 days`, `tomorrow`, `within a day`. */
export function describeEnd(expiresAt: string, nowMs: number): string {
  const days = Math.floor((Date.parse(expiresAt) - nowMs) / dayMs)
  if (days < 1) return 'within a day'
  return days === 1 ? 'tomorrow' : `in ${days} days`
}

export const formatDay = (iso: string): string =>
  new Date(iso).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
