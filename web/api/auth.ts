/** The requests that begin and end a session. They are outside the endpoint table. Called by account/. */

import { ApiError, toApiError } from '../../client/errors.ts'
import { authPaths } from '../../domain/endpoints.ts'
import { basePath } from '../base-path.ts'
import { fetchOrThrow } from './client.ts'

const timeoutMs = 15_000

/** The path that leads to the identity provider and then back to `returnTo`. */
export const loginPath = (returnTo: string): string =>
  `${basePath}${authPaths.login}?returnTo=${encodeURIComponent(returnTo)}`

/**
 * Exchanges a shared credential for a session cookie. Returns false when this connection cannot have one: over http, or
 * with an older server. Throws ApiError for a wrong credential.
 */
export async function startSession(authorization: string): Promise<boolean> {
  try {
    await post(authPaths.session, { Authorization: authorization })
    return true
  } catch (caught) {
    const error = toApiError(caught)
    if (error.code === 'insecure_transport' || error.status === 404 || error.status === 405) return false
    if (error.status !== 401) throw error
    const { message, code } = error
    throw new ApiError('rejected', message, { status: 401, code, hint: 'Ask your DevOps engineer for it.' })
  }
}

/** Ends the session of the cookie. Returns where the browser also signs out of the provider; null: nowhere. */
export async function endSession(): Promise<string | null> {
  try {
    const { location } = (await (await post(authPaths.logout)).json()) as { location: string | null }
    return location
  } catch (caught) {
    throw toApiError(caught)
  }
}

const post = (path: string, headers: Record<string, string> = {}) =>
  fetchOrThrow(basePath + path, { method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs) })
