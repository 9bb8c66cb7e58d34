/**
 * Requests and errors in the form of OAuth (RFC 6749): parameters as a form or as JSON, and `{error, error_description}`. Used by
 * auth/device.
 */
import { ApiError } from '../../../domain/errors.ts'
import { parseForm, parseJson } from '../../http/parse-request.ts'

/** The names of RFC 6749 and RFC 8628 that Octopod sends. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'

export const oauthError = (error: OAuthErrorCode, description: string): Response =>
  Response.json({ error, error_description: description }, { status: 400 })

/** Every parameter once, as text. Throws bad_request or wrong_media_type. */
export function readOAuthParameters(contentType: string, body: string): ReadonlyMap<string, string> {
  if (body.trim() === '') return new Map()
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return readObject(parseForm(body))
  if (/^application\/json\b/i.test(contentType)) return readObject(parseJson(body))
  throw new ApiError(
    'wrong_media_type',
    'Send the parameters as application/x-www-form-urlencoded, or as application/json.',
  )
}

function readObject(json: unknown): ReadonlyMap<string, string> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ApiError('bad_request', 'The body must be a JSON object.')
  return new Map(
    Object.entries(json).map(([name, value]) => {
      if (typeof value !== 'string')
        throw new ApiError('bad_request', `body.${name.slice(0, 60)}: must be a text.`)
      return [name, value]
    }),
  )
}
