/** Who asks, and what they may: the credential gives the role, headers tell the name. Called by endpoint-handler.ts and live-connection.ts. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Actor } from '../../db/queries/enqueue-action.ts'
import type { Role } from '../../domain/api-schema.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'

type RequestHeaders = { get(name: string): string | null | undefined }

/** `open` means: no role at all. */
export function roleOf(settings: ServerSettings, authorization: string | null | undefined): Role {
  if (matchesCredential(authorization, settings.POWER_AUTHORIZATION_HEADER)) return 'admin'
  if (settings.APP_AUTHORIZATION_HEADER === undefined) return 'user'
  return matchesCredential(authorization, settings.APP_AUTHORIZATION_HEADER) ? 'user' : 'open'
}

/** Compared in constant time, whatever the lengths. */
function matchesCredential(given: string | null | undefined, expected: string | undefined): boolean {
  if (!given || expected === undefined) return false
  return timingSafeEqual(digest(given), digest(expected))
}

const digest = (text: string) => hash('sha256', text, 'buffer')

const rank: Record<Role, number> = { open: 0, user: 1, admin: 2 }

/** Throws not_signed_in (401) where a credential is missing or wrong, not_allowed (403) where it gives too little. */
export function requireRole(role: Role, required: Role, authorization: string | null | undefined): void {
  if (rank[role] >= rank[required]) return
  if (role === 'open' || !authorization) {
    const message = required === 'admin' ? 'This needs the admin credential' : 'This needs a credential'
    throw new ApiError('not_signed_in', `${message} in the Authorization header.`)
  }
  throw new ApiError('not_allowed', 'Your credential does not allow this: it needs the admin one.')
}

/** The name the trusted proxy gives, else what the client says of itself, else the role. */
export function actorOf(settings: ServerSettings, role: Role, requestHeaders: RequestHeaders): Actor {
  const trusted = settings.ACTOR_HEADER ? requestHeaders.get(settings.ACTOR_HEADER) : null
  const actor =
    trusted ||
    decode(requestHeaders.get(headers.actor)) ||
    basicUser(requestHeaders.get('authorization')) ||
    role
  return {
    actor: sanitize(actor, 200),
    source: sourceOf(requestHeaders),
    reason: sanitize(decode(requestHeaders.get(headers.reason)) ?? '', 1000) || null,
  }
}

function sourceOf(requestHeaders: RequestHeaders): string {
  const declared = requestHeaders.get(headers.source)
  if (declared && ['page', 'octo', 'ci', 'api'].includes(declared)) return declared
  return requestHeaders.get('sec-fetch-site') ? 'page' : 'api'
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
const controlCharacters = /[\u0000-\u001f\u007f]/g
const sanitize = (text: string, length: number) =>
  text.replace(controlCharacters, ' ').trim().slice(0, length)

/** Another site must not act through a visitor's browser. Clients that are no browsers send no Origin. */
export function requireSameOrigin(settings: ServerSettings, requestHeaders: RequestHeaders): void {
  const origin = requestHeaders.get('origin')
  if (!origin || isOriginAllowed(settings, origin, requestHeaders.get('host'))) return
  throw new ApiError('wrong_origin', `Requests from ${origin.slice(0, 200)} are not accepted here.`)
}

function isOriginAllowed(settings: ServerSettings, origin: string, host: string | null | undefined): boolean {
  if (settings.APP_URL.length > 0) return settings.APP_URL.some((url) => URL.parse(url)?.origin === origin)
  const originHost = URL.parse(origin)?.host
  return originHost !== undefined && originHost === host
}
