/** The person whom a trusted proxy names in ACTOR_HEADER, with the groups of GROUPS_HEADER. Used by identify.ts. */
import type { PersonMember } from '../../domain/access/policy.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { hasHiddenCharacter } from '../../lib/hidden-characters.ts'
import type { RawRequest, SenderReader } from '../access/sender.ts'

/** The issuer of people whom the proxy names. */
export const proxyIssuer = 'proxy'
const maxGroups = 5000

export type ProxyReader = (request: RawRequest) => PersonMember | null

/**
 * Only the other end of the connection counts, not an address in a header. The reader throws bad_request for what a proxy that
 * replaces both headers never sends, because a client may have added its own line.
 */
export function createProxyReader(
  settings: Pick<ServerSettings, 'ACTOR_HEADER' | 'GROUPS_HEADER'>,
  sender: SenderReader,
): ProxyReader {
  const { ACTOR_HEADER, GROUPS_HEADER } = settings
  if (ACTOR_HEADER === undefined) return () => null
  return (request) => {
    if (!sender.isFromTrustedProxy(request)) return null
    const subject = readOnce(request, ACTOR_HEADER)
    const groups = GROUPS_HEADER === undefined ? '' : readOnce(request, GROUPS_HEADER)
    if (subject === '') {
      if (groups === '') return null
      throw new ApiError('bad_request', `${GROUPS_HEADER} was sent without ${ACTOR_HEADER}.`)
    }
    if (subject.length > 500 || hasHiddenCharacter(subject))
      throw new ApiError('bad_request', `${ACTOR_HEADER} is too long or contains a hidden character.`)
    return {
      kind: 'proxy',
      person: { issuer: proxyIssuer, subject },
      groups: groups.split(',', maxGroups).flatMap((group) => group.trim() || []),
    }
  }
}

function readOnce(request: RawRequest, name: string): string {
  if (request.countLines(name) > 1)
    throw new ApiError(
      'bad_request',
      `The header ${name} was sent more than once: the proxy must replace what the client sends.`,
    )
  return request.headers.get(name)?.trim() ?? ''
}
