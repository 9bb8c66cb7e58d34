/**
 * Signs people in at an OpenID Connect provider: authorization code flow with PKCE, state and nonce. It knows no
 * cookies, sessions or handlers. Every method ends within the time limit and rejects only with a SignInError.
 */
import { jwtVerify } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  clockSkew,
  clockTolerance,
  customFetch,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  type ServerMetadata,
} from 'openid-client'
import type { SignInErrorCode } from '../../../domain/access/sign-in-errors.ts'
import { withTimeout } from '../../../lib/with-timeout.ts'
import { type Claims, isIncomplete, type Person, readPerson, readSubject } from './claims.ts'
import { toSignInError } from './explain-error.ts'
import type { PendingSignIn } from './pending-sign-in.ts'
import { createProviderFetch } from './provider-fetch.ts'
import { createMetadataReader, type ProviderMetadata } from './provider-metadata.ts'
import { SignInError } from './sign-in-error.ts'

export type OidcProviderOptions = {
  issuer: string
  clientId: string
  /** undefined: a public client. */
  clientSecret: string | undefined
  /** Separated by spaces. */
  scopes: string
  groupsClaim: string
  /** Empty: everybody may sign in. */
  allowedGroups: readonly string[]
  redirectUri: string
  /** Which groups are kept when all of them are too large (64 KiB); default: the allowed groups. */
  isRelevantGroup?: (group: string) => boolean
  /** The limit of all requests of one method together; default 5,000. */
  timeoutMs?: number
  /** Milliseconds since 1970; default Date.now. */
  now?: () => number
}

export type SignedInPerson = Person & {
  issuer: string
  subject: string
  refreshToken: string | null
  /** For endSessionUrl; null when it is too long for a URL. */
  idToken: string | null
}

/** `groups` and `displayName` are null when the provider said nothing about the person: they are unchanged. */
export type RefreshedPerson = {
  groups: string[] | null
  displayName: string | null
  email: string | null
  /** The one to use from now on. */
  refreshToken: string | null
}

export type OidcProvider = {
  startSignIn(): Promise<{ location: string; pending: PendingSignIn }>
  /** `pending` is null when the browser has started no sign-in. */
  finishSignIn(callbackUrl: URL, pending: PendingSignIn | null): Promise<SignedInPerson>
  /** session_ended, not_in_allowed_groups and groups_missing end the session; after other errors it may go on. */
  refresh(refreshToken: string, expected: { issuer: string; subject: string }): Promise<RefreshedPerson>
  /** Where the person also ends the session at the provider. null without such an endpoint, or when it is unreachable. */
  endSessionUrl(idToken: string | null, returnTo: string): Promise<string | null>
}

const clockToleranceSeconds = 60
/** A token of a sign-in was made for it. Entra dates tokens back by five minutes. */
const maxTokenAgeSeconds = 600
const maxIdTokenLength = 4000
const maxRefreshTokenLength = 16_384

export function createOidcProvider(options: OidcProviderOptions): OidcProvider {
  const { issuer, clientId, clientSecret, groupsClaim, allowedGroups, redirectUri } = options
  const { timeoutMs = 5000, now = Date.now } = options
  const isRelevantGroup = options.isRelevantGroup ?? ((group) => allowedGroups.includes(group))
  const readMetadata = createMetadataReader({ issuer, clientId, timeoutMs, now })
  const toPerson = (claims: Claims, subject: string) =>
    readPerson(claims, subject, { groupsClaim, allowedGroups, isRelevantGroup })

  type Connection = ProviderMetadata & { configuration: Configuration }

  /** One time limit for everything that `work` asks the provider. */
  async function connect<T>(
    ofInvalidGrant: SignInErrorCode,
    work: (connection: Connection) => Promise<T> | T,
  ): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs)
    const run = async () => {
      const metadata = await readMetadata()
      return work({ ...metadata, configuration: configure(metadata.server, deadline) })
    }
    try {
      return await withTimeout(run(), timeoutMs)
    } catch (error) {
      throw toSignInError(error, ofInvalidGrant)
    }
  }

  function configure(server: ServerMetadata, deadline: AbortSignal): Configuration {
    const client = {
      [clockTolerance]: clockToleranceSeconds,
      [clockSkew]: Math.round((now() - Date.now()) / 1000),
    }
    const configuration = new Configuration(
      server,
      clientId,
      client,
      clientAuthentication(server, clientSecret),
    )
    configuration[customFetch] = createProviderFetch(deadline)
    // The addresses are checked by createProviderFetch, which accepts http on loopback hosts only.
    if (new URL(issuer).protocol === 'http:') allowInsecureRequests(configuration)
    return configuration
  }

  /** openid-client could check it too, but would not know rotated keys for a minute. */
  const verifySignature = (idToken: string, { keys }: Connection, maxTokenAge?: number) =>
    jwtVerify(idToken, keys, {
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      ...(maxTokenAge === undefined ? {} : { maxTokenAge }),
    })

  /** The claims of the ID token, with those of userinfo where it has none. */
  async function completeClaims(
    { configuration, server }: Connection,
    idTokenClaims: Claims,
    accessToken: string,
    subject: string,
  ): Promise<Claims> {
    if (!isIncomplete(idTokenClaims, groupsClaim) || server.userinfo_endpoint === undefined)
      return idTokenClaims
    return { ...(await fetchUserInfo(configuration, accessToken, subject)), ...idTokenClaims }
  }

  return {
    startSignIn: () =>
      connect('sign_in_expired', async ({ configuration }) => {
        const pending = {
          state: randomState(),
          nonce: randomNonce(),
          codeVerifier: randomPKCECodeVerifier(),
        }
        const location = buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: options.scopes,
          state: pending.state,
          nonce: pending.nonce,
          code_challenge: await calculatePKCECodeChallenge(pending.codeVerifier),
          code_challenge_method: 'S256',
        })
        return { location: location.href, pending }
      }),

    async finishSignIn(callbackUrl, pending) {
      const parameters = callbackUrl.searchParams
      if (pending === null) throw new SignInError('sign_in_expired', 'a callback without a sign-in')
      if (parameters.get('state') !== pending.state)
        throw new SignInError('sign_in_expired', 'the state of the callback is not that of the sign-in')
      if (!parameters.has('code') && !parameters.has('error'))
        throw new SignInError('sign_in_expired', 'the callback has no code')
      // A proxy may have changed the origin. The provider compares with the address that the sign-in started with.
      const url = new URL(redirectUri)
      url.search = callbackUrl.search
      return connect('sign_in_expired', async (connection) => {
        const tokens = await authorizationCodeGrant(connection.configuration, url, {
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          pkceCodeVerifier: pending.codeVerifier,
          idTokenExpected: true,
        })
        const idToken = tokens.id_token ?? ''
        await verifySignature(idToken, connection, maxTokenAgeSeconds)
        const idTokenClaims: Claims = tokens.claims() ?? {}
        const subject = readSubject(idTokenClaims)
        const claims = await completeClaims(connection, idTokenClaims, tokens.access_token, subject)
        return {
          issuer: connection.server.issuer,
          subject,
          ...toPerson(claims, subject),
          refreshToken: limitLength(tokens.refresh_token, maxRefreshTokenLength),
          idToken: limitLength(idToken, maxIdTokenLength),
        }
      })
    },

    refresh: (refreshToken, expected) =>
      connect('session_ended', async (connection) => {
        const { configuration, server } = connection
        // A refresh token is sent to the provider that made it, and to no other.
        if (server.issuer !== expected.issuer)
          throw new SignInError('session_ended', 'the session is of another issuer')
        const tokens = await refreshTokenGrant(configuration, refreshToken)
        const next = {
          refreshToken: limitLength(tokens.refresh_token ?? refreshToken, maxRefreshTokenLength),
        }
        const idTokenClaims = tokens.claims()
        if (idTokenClaims === undefined) {
          if (server.userinfo_endpoint === undefined)
            return { groups: null, displayName: null, email: null, ...next }
        } else {
          await verifySignature(tokens.id_token ?? '', connection)
          if (readSubject(idTokenClaims) !== expected.subject) throw subjectChanged()
        }
        const claims = await completeClaims(
          connection,
          idTokenClaims ?? {},
          tokens.access_token,
          expected.subject,
        ).catch((error) => {
          throw error?.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' ? subjectChanged() : error
        })
        return { ...toPerson(claims, expected.subject), ...next }
      }),

    endSessionUrl: (idToken, returnTo) =>
      connect('session_ended', ({ configuration, server }) => {
        if (server.end_session_endpoint === undefined) return null
        return buildEndSessionUrl(configuration, {
          post_logout_redirect_uri: returnTo,
          ...(idToken === null ? {} : { id_token_hint: idToken }),
        }).href
      }).catch(() => null),
  }
}

/** Basic is the standard's default, which some providers insist on. */
function clientAuthentication(server: ServerMetadata, clientSecret: string | undefined): ClientAuth {
  if (clientSecret === undefined) return None()
  const methods = server.token_endpoint_auth_methods_supported
  const usesPost = methods?.includes('client_secret_post') && !methods.includes('client_secret_basic')
  return usesPost ? ClientSecretPost(clientSecret) : ClientSecretBasic(clientSecret)
}

const limitLength = (text: string | undefined, maxLength: number): string | null =>
  text !== undefined && text.length <= maxLength ? text : null

const subjectChanged = () => new SignInError('session_ended', 'the provider answered for another subject')
