/** Decides under which name, from where and why an action is recorded. Called by http/endpoint-handler.ts. */
import type { Actor } from '../../db/queries/enqueue-action.ts'
import type { Role } from '../../domain/api-schema.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { hasHiddenCharacter, hiddenCharacters } from '../../lib/hidden-characters.ts'

export type RequestHeaders = { get(name: string): string | null | undefined }

/**
 * The name comes from the trusted proxy, else from the client, else from the credential; the last resort is the role.
 * Throws bad_request for a name or reason of the client that would not look like what it is.
 */
export function actorOf(settings: ServerSettings, role: Role, requestHeaders: RequestHeaders): Actor {
  const trusted = settings.ACTOR_HEADER ? requestHeaders.get(settings.ACTOR_HEADER) : null
  const actor =
    trusted ||
    declared(requestHeaders, headers.actor) ||
    basicUser(requestHeaders.get('authorization')) ||
    role
  return {
    actor: sanitize(actor, 200),
    source: sourceOf(requestHeaders),
    reason: sanitize(declared(requestHeaders, headers.reason) ?? '', 1000) || null,
  }
}

const sources = ['page', 'octo', 'ci', 'api']

function sourceOf(requestHeaders: RequestHeaders): string {
  const declared = requestHeaders.get(headers.source)
  if (declared && sources.includes(declared)) return declared
  if (declared)
    throw new ApiError(
      'bad_request',
      `"${declared.slice(0, 40)}" is no ${headers.source}: send ${sources.join(', ')} or no such header.`,
    )
  return requestHeaders.get('sec-fetch-site') ? 'page' : 'api'
}

function declared(requestHeaders: RequestHeaders, name: string): string | null {
  const text = decode(requestHeaders.get(name))
  if (text === null || !hasHiddenCharacter(text)) return text
  throw new ApiError(
    'bad_request',
    `${name} contains a control character, or one that overrides the direction of text.`,
  )
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

const controlCharacters = new RegExp(`[\\u0000-\\u001f${hiddenCharacters}]`, 'g')
const sanitize = (text: string, maxLength: number) =>
  text.replace(controlCharacters, ' ').trim().slice(0, maxLength)
