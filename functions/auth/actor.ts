/** Decides under which name, from where and why an action is recorded. Called by http/endpoint-handler.ts. */
import type { Actor } from '../../db/queries/enqueue-action.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { hasHiddenCharacter, hiddenCharacters } from '../../lib/hidden-characters.ts'
import { type Identity, linkOf, recordedPerson } from './identity.ts'

export type RequestHeaders = { get(name: string): string | null | undefined }

/**
 * The actor is who the request has proved to be. What the client says of its user is stored beside it, as a claim. Throws
 * bad_request for a claim or reason that would not look like what it is.
 */
export function actorOf(
  identity: Identity,
  requestHeaders: RequestHeaders,
  origin: Pick<Actor, 'address' | 'requestId'> = { address: null, requestId: null },
): Actor {
  const claimed = declared(requestHeaders, headers.actor) || basicUser(requestHeaders.get('authorization'))
  return {
    actor: sanitize(identity.name, 200),
    person: recordedPerson(identity),
    proof: identity.proof,
    link: linkOf(identity),
    claimedActor: sanitize(claimed ?? '', 200) || null,
    source: sourceOf(requestHeaders),
    reason: sanitize(declared(requestHeaders, headers.reason) ?? '', 1000) || null,
    ...origin,
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
