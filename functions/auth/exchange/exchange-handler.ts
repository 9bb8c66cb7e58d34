/** Handler of POST /token: a CI job exchanges its ID token for a token of Octopod (RFC 8693). */
import { hash } from 'node:crypto'
import { insertExchangedToken } from '../../../db/queries/access/exchanged-tokens.ts'
import { decideTrust } from '../../../domain/access/trust/decide-trust.ts'
import { runLabel } from '../../../domain/access/trust/run-label.ts'
import { ApiError } from '../../../domain/errors.ts'
import { withoutControlCharacters } from '../../../lib/hidden-characters.ts'
import type { EndpointHandler, EndpointRequest } from '../../http/endpoint-handler.ts'
import type { Services } from '../../services.ts'
import { isSameIssuer } from '../identify.ts'
import { createTokenText, hashToken } from '../tokens/token-text.ts'
import { readIdToken, rejected, type VerifiedToken, verifyIdToken } from './id-token.ts'

export const exchangeToken: EndpointHandler<'exchangeToken'> = async (services, request) => {
  const { auth, access, audit, log } = services
  const { body, caller } = request
  try {
    const answer = await exchange(services, request)
    auth.exchanges.record('accepted')
    return answer
  } catch (error) {
    if (error instanceof ApiError && error.code === 'id_token_rejected') {
      auth.exchanges.record('rejected')
      // Everybody can get an ID token of a public issuer, so that each of them has no entry of its own.
      audit.countUnidentified(caller.address)
      log.debug({ reason: error.message, address: caller.address }, 'ID token rejected')
      // Throws for an address that tries many.
      await access.wrongCredentials.record(caller.address, body.subject_token, false)
    }
    throw error
  }
}

async function exchange(
  { auth, db, log, settings }: Services,
  { body, actor }: EndpointRequest<'exchangeToken'>,
) {
  const idToken = body.subject_token
  const rules = auth.policy.current()?.trust ?? []
  if (rules.length === 0)
    throw new ApiError(
      'no_trust_rules',
      'This installation exchanges no ID tokens: its policy has no list trust.',
    )
  const { issuer, kid } = readIdToken(idToken)
  if (!rules.some((rule) => rule.issuer === issuer))
    throw rejected(`No trust rule names the issuer ${JSON.stringify(issuer.slice(0, 200))}.`)
  const token = await verifyIdToken(idToken, await auth.issuerKeys.find(issuer, kid))
  requireOtherThanSignIn(settings, token)
  const decision = decideTrust(rules, token.claims)
  if ('refusal' in decision) throw rejected(decision.refusal)
  const { rule, grant } = decision
  const run = runLabel(token.claims)
  const name = withoutControlCharacters(run.name).slice(0, 200).toWellFormed()
  const person = { issuer, subject: token.subject }
  const accessToken = createTokenText('exchange')
  const id = await insertExchangedToken(db, {
    tokenHash: hashToken(accessToken),
    ...person,
    name,
    role: grant.role,
    names: [...grant.names],
    claims: token.claims,
    label: grant.rule,
    lifetimeMs: rule.lifetime_seconds * 1000,
    link: run.link,
    by: { ...actor, actor: name, person, proof: 'exchange' },
    once: rule.single_use
      ? { hash: hash('sha256', signedPartOf(idToken)), expiresAtSeconds: token.expiresAtSeconds + 120 }
      : null,
  })
  if (id === null)
    throw rejected('This ID token was exchanged before, and its trust rule lets it count once (single_use).')
  log.info({ name, issuer, rule: grant.rule, names: grant.names }, 'ID token exchanged')
  return {
    access_token: accessToken,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' as const,
    token_type: 'Bearer' as const,
    expires_in: rule.lifetime_seconds,
    role: grant.role,
    names: [...grant.names],
  }
}

/** Some signatures can be written in several ways, and all are valid. */
const signedPartOf = (token: string) => token.slice(0, token.lastIndexOf('.'))

/** With the provider of people as an issuer of jobs, what their browsers get must not count as a job. */
function requireOtherThanSignIn(
  { OIDC_ISSUER, OIDC_CLIENT_ID }: Services['settings'],
  { claims }: VerifiedToken,
) {
  const audiences = [claims.aud].flat()
  if (OIDC_CLIENT_ID === undefined || !audiences.includes(OIDC_CLIENT_ID)) return
  if (isSameIssuer(String(claims.iss), OIDC_ISSUER))
    throw rejected('This ID token is of somebody who signs in on the page, not of a CI job.')
}
