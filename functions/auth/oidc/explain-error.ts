/** Turns the errors of openid-client and jose into the closed list of SignInError. Called by provider.ts. */
import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import type { SignInErrorCode } from '../../../domain/access/sign-in-errors.ts'
import { TimeoutError } from '../../../lib/with-timeout.ts'
import { quoteForLog, SignInError } from './sign-in-error.ts'

const checkClient = 'check OIDC_CLIENT_ID and OIDC_CLIENT_SECRET'

/** `ofInvalidGrant` says what it means that the provider does not accept the code or the refresh token. */
export function toSignInError(error: unknown, ofInvalidGrant: SignInErrorCode): SignInError {
  const known = findSignInError(error)
  if (known !== null) return known
  if (error instanceof TimeoutError) return new SignInError('provider_unreachable', 'no answer in time')
  if (error instanceof AuthorizationResponseError) return ofAuthorizationResponse(error)
  if (error instanceof ResponseBodyError) {
    const detail = describeResponse('the token endpoint', error)
    if (invalidGrants.includes(error.error)) return new SignInError(ofInvalidGrant, detail)
    return new SignInError('bad_provider_response', `${detail}; ${checkClient}`)
  }
  if (error instanceof WWWAuthenticateChallengeError)
    return new SignInError(
      'bad_provider_response',
      `the provider answered with ${error.status}; ${checkClient}`,
    )
  return new SignInError('bad_provider_response', describeError(error))
}

/** The person must sign in again at the provider. Entra sends the second one. */
const invalidGrants = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required']
const temporary = ['server_error', 'temporarily_unavailable']

const ofAuthorizationResponse = (error: AuthorizationResponseError): SignInError =>
  new SignInError(
    temporary.includes(error.error) ? 'provider_unreachable' : 'sign_in_denied',
    describeResponse('the authorization endpoint', error),
  )

/** A description may repeat what was sent, so everything that looks like a code or token is removed. */
function describeResponse(
  place: string,
  { error, error_description: text }: AuthorizationResponseError | ResponseBodyError,
) {
  const description = text === undefined ? '' : ` ${quoteForLog(text.replace(/[\w.~+/=-]{20,}/g, '…'))}`
  return `${place} answered ${quoteForLog(error)}${description}`
}

/** Errors of the network and of the limits arrive inside errors of the libraries. */
function findSignInError(error: unknown): SignInError | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if (at instanceof SignInError) return at
  return null
}

/** The messages of both libraries are fixed texts. Other errors may quote a token, so only their name is kept. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return `unexpected ${error.name}`
  const cause = error.cause instanceof Error && 'code' in error.cause ? `: ${error.cause.message}` : ''
  return quoteForLog(`${code}: ${error.message}${cause}`)
}
