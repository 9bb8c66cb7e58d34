/** Who asks, and what they may: the credential gives the role, headers tell the name. Called by route.ts and live.ts. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Asker } from '../db/begin.ts'
import type { Role } from '../domain/api.ts'
import { Refusal } from '../domain/errors.ts'
import { headers } from '../domain/places.ts'
import type { ServerSettings } from '../domain/settings.ts'

type Headers = { get(name: string): string | null | undefined }

/** `open` means: no role at all. */
export function roleOf(settings: ServerSettings, authorization: string | null | undefined): Role {
  if (matches(authorization, settings.POWER_AUTHORIZATION_HEADER)) return 'admin'
  if (settings.APP_AUTHORIZATION_HEADER === undefined) return 'user'
  return matches(authorization, settings.APP_AUTHORIZATION_HEADER) ? 'user' : 'open'
}

/** Compared in constant time, whatever the lengths. */
function matches(given: string | null | undefined, expected: string | undefined): boolean {
  if (!given || expected === undefined) return false
  return timingSafeEqual(digest(given), digest(expected))
}

const digest = (text: string) => hash('sha256', text, 'buffer')

const rank: Record<Role, number> = { open: 0, user: 1, admin: 2 }

/** Throws not_signed_in (401) where a credential is missing or wrong, not_allowed (403) where it gives too little. */
export function demand(role: Role, needed: Role, authorization: string | null | undefined): void {
  if (rank[role] >= rank[needed]) return
  if (role === 'open' || !authorization) {
    const words = needed === 'admin' ? 'This needs the admin credential' : 'This needs a credential'
    throw new Refusal('not_signed_in', `${words} in the Authorization header.`)
  }
  throw new Refusal('not_allowed', 'Your credential does not allow this: it needs the admin one.')
}

/** The name the trusted proxy gives, else what the client says of itself, else the role. */
export function askerOf(settings: ServerSettings, role: Role, given: Headers): Asker {
  const trusted = settings.ACTOR_HEADER ? given.get(settings.ACTOR_HEADER) : null
  const actor = trusted || decode(given.get(headers.actor)) || basicUser(given.get('authorization')) || role
  return {
    actor: clean(actor, 200),
    source: sourceOf(given),
    reason: clean(decode(given.get(headers.reason)) ?? '', 1000) || null,
  }
}

function sourceOf(given: Headers): string {
  const said = given.get(headers.source)
  if (said && ['page', 'octo', 'ci', 'api'].includes(said)) return said
  return given.get('sec-fetch-site') ? 'page' : 'api'
}

function decode(text: string | null | undefined): string | null {
  if (!text) return null
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function basicUser(authorization: string | null | undefined): string | null {
  const encoded = /^Basic (.+)$/i.exec(authorization ?? '')?.[1]
  return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString().split(':')[0] || null
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const control = /[\u0000-\u001f\u007f]/g
const clean = (text: string, length: number) => text.replace(control, ' ').trim().slice(0, length)

/** Another site must not act through a visitor's browser. Clients that are no browsers send no Origin. */
export function demandOrigin(settings: ServerSettings, given: Headers): void {
  const origin = given.get('origin')
  if (!origin || originAllowed(settings, origin, given.get('host'))) return
  throw new Refusal('wrong_origin', `Requests from ${origin.slice(0, 200)} are not accepted here.`)
}

function originAllowed(settings: ServerSettings, origin: string, host: string | null | undefined): boolean {
  if (settings.APP_URL.length > 0) return settings.APP_URL.some((url) => URL.parse(url)?.origin === origin)
  const asked = URL.parse(origin)?.host
  return asked !== undefined && asked === host
}
