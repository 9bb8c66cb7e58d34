/**
 * An OpenID Connect provider for tests: oidc-provider, a certified implementation, on a port of loopback.
 *
 *     const provider = await startOidcProvider({ accounts: { anna: { name: 'Anna', groups: ['dev'] } } })
 *     // server: OIDC_ISSUER=provider.issuer OIDC_CLIENT_ID=octopod OIDC_CLIENT_SECRET=provider.clientSecret
 *     provider.allowRedirects(`${origin}/auth/callback`, `${origin}/`)
 *     …
 *     await provider.stop()
 *
 * - Clients: `octopod` (with clientSecret, client_secret_basic) and `octopod-public` (without a secret). Refresh
 *   tokens are always given and rotate; a rotated one is refused.
 * - The login page is a form with the field `subject` and the buttons `continue` and `cancel`. In a browser:
 *   `page.fill('[name=subject]', 'anna')`, `page.click('[name=continue]')`. With fetch: signInWithFetch. Whoever is
 *   signed in at the provider sees no form. Its page for signing out has the button `logout`.
 * - `accounts` may be changed at any time: it is read for each token. Without its account, a refresh token is refused.
 * - `stop()` closes the port and `start()` opens the same one again; sessions, codes and tokens stay.
 * - `rotateKeys()` signs with a new key from then on and removes the old one.
 * - `setClockSkew(seconds)`: the clock of the provider is that much ahead, as far as ID tokens show it.
 * - `givenTokens`: the access, refresh and ID tokens that it has given.
 * - `tamper(change)` changes ID tokens before they are signed; `respond(path, handler)` replaces an endpoint.
 *   null ends both.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { base64url, decodeJwt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { type Adapter, type AdapterPayload, type Configuration, Provider } from 'oidc-provider'

export type TestAccount = {
  name?: string
  email?: string
  email_verified?: boolean
  groups?: readonly string[]
  [claim: string]: unknown
}

export type TamperedToken = {
  claims: Record<string, unknown>
  /** `foreign_key`: a key that the provider does not publish, under the name of its own; `none`: unsigned. */
  signedBy: 'provider' | 'foreign_key' | 'none'
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

export type TestOidcProvider = {
  issuer: string
  clientId: string
  clientSecret: string
  publicClientId: string
  accounts: Map<string, TestAccount>
  /** The paths that were asked for, oldest first. */
  requests: string[]
  givenTokens: string[]
  allowRedirects(redirectUri: string, postLogoutRedirectUri?: string): void
  rotateKeys(): Promise<void>
  setClockSkew(seconds: number): void
  tamper(change: ((token: TamperedToken) => TamperedToken) | null): void
  respond(path: string, handler: RequestHandler | null): void
  start(): Promise<void>
  stop(): Promise<void>
}

type Options = {
  accounts?: Record<string, TestAccount>
  redirectUris?: readonly string[]
  /** false: the ID token has only the subject, and the claims are in userinfo. */
  claimsInIdToken?: boolean
  idTokenLifetimeSeconds?: number
}

const clientId = 'octopod'
const publicClientId = 'octopod-public'
const clientSecret = 'secret-of-the-test-client+/='

export async function startOidcProvider(options: Options = {}): Promise<TestOidcProvider> {
  const accounts = new Map(Object.entries(options.accounts ?? {}))
  const redirectUris = new Set(options.redirectUris ?? ['http://localhost/auth/callback'])
  const postLogoutRedirectUris = new Set<string>()
  const requests: string[] = []
  const givenTokens: string[] = []
  const overrides = new Map<string, RequestHandler>()
  const adapter = createAdapter()
  let change: ((token: TamperedToken) => TamperedToken) | null = null
  let skewSeconds = 0
  let key = await newKey()
  const foreignKey = await newKey()

  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    requests.push(pathname)
    const handler = overrides.get(pathname)
    if (handler) handler(request, response)
    else if (pathname.startsWith('/interaction/')) void login(provider, request, response)
    else void callback(request, response)
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const issuer = `http://127.0.0.1:${port}`

  /** The token as the provider made it, unless a test has asked for something else. */
  async function changeIdToken(idToken: string): Promise<string> {
    if (change === null && skewSeconds === 0) return idToken
    const original = decodeJwt(idToken)
    for (const claim of ['iat', 'exp', 'auth_time'] as const)
      if (typeof original[claim] === 'number') original[claim] += skewSeconds
    const { claims, signedBy } = change?.({ claims: original, signedBy: 'provider' }) ?? {
      claims: original,
      signedBy: 'provider',
    }
    if (signedBy === 'none')
      return `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify(claims))}.`
    const signingKey = await importJWK(signedBy === 'provider' ? key : foreignKey, 'RS256')
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: String(key.kid) }).sign(signingKey)
  }

  function build(): Provider {
    const client = {
      redirect_uris: [...redirectUris],
      post_logout_redirect_uris: [...postLogoutRedirectUris],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code' as const],
    }
    const configuration: Configuration = {
      adapter,
      jwks: { keys: [key] },
      cookies: { keys: ['cookies of the test provider'] },
      clients: [
        { ...client, client_id: clientId, client_secret: clientSecret },
        { ...client, client_id: publicClientId, token_endpoint_auth_method: 'none' },
      ],
      claims: {
        openid: ['sub'],
        profile: ['name', 'preferred_username', 'groups'],
        email: ['email', 'email_verified'],
      },
      scopes: ['openid', 'offline_access', 'profile', 'email'],
      conformIdTokenClaims: options.claimsInIdToken === false,
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: {
          logoutSource: (context, form) => {
            context.body = `${pageStart}${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button></html>`
          },
        },
      },
      renderError: (context, { error, error_description: description }) => {
        context.type = 'text'
        context.body = `${error}: ${description}`
      },
      findAccount: (_context, subject) => {
        const account = accounts.get(subject)
        return account && { accountId: subject, claims: () => ({ ...account, sub: subject }) }
      },
      // Nobody is asked for consent.
      loadExistingGrant: async ({ oidc }) => {
        if (!oidc.client || !oidc.session?.accountId) return undefined
        const grant = new oidc.provider.Grant({
          clientId: oidc.client.clientId,
          accountId: oidc.session.accountId,
        })
        grant.addOIDCScope('openid offline_access profile email')
        await grant.save()
        return grant
      },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      ttl: {
        AccessToken: 3600,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: options.idTokenLifetimeSeconds ?? 3600,
        Interaction: 3600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
    }
    const built = new Provider(issuer, configuration)
    built.use(async (context, next) => {
      await next()
      if (context.path !== '/token') return
      const body = context.body as { id_token?: string; access_token?: string; refresh_token?: string }
      if (body?.id_token) body.id_token = await changeIdToken(body.id_token)
      for (const token of [body?.id_token, body?.access_token, body?.refresh_token])
        if (token !== undefined) givenTokens.push(token)
    })
    return built
  }

  let provider = build()
  let callback = provider.callback()
  const rebuild = () => {
    provider = build()
    callback = provider.callback()
  }

  return {
    issuer,
    clientId,
    clientSecret,
    publicClientId,
    accounts,
    requests,
    givenTokens,
    allowRedirects(redirectUri, postLogoutRedirectUri) {
      redirectUris.add(redirectUri)
      if (postLogoutRedirectUri !== undefined) postLogoutRedirectUris.add(postLogoutRedirectUri)
      rebuild()
    },
    async rotateKeys() {
      key = await newKey()
      rebuild()
    },
    setClockSkew: (seconds) => {
      skewSeconds = seconds
    },
    tamper: (next) => {
      change = next
    },
    respond: (path, handler) => {
      if (handler === null) overrides.delete(path)
      else overrides.set(path, handler)
    },
    start: async () => {
      if (!server.listening) await listen(port)
    },
    stop: async () => {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** One memory for all models, which stays when the provider is built again. */
function createAdapter(): (model: string) => Adapter {
  const store = new Map<string, AdapterPayload>()
  return (model) => ({
    upsert: async (id, payload) => void store.set(`${model} ${id}`, payload),
    find: async (id) => store.get(`${model} ${id}`),
    findByUid: async (uid) =>
      [...store].find(([key, payload]) => key.startsWith(`${model} `) && payload.uid === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const payload = store.get(`${model} ${id}`)
      if (payload) payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id) => void store.delete(`${model} ${id}`),
    revokeByGrantId: async (grantId) => {
      for (const [key, payload] of store) if (payload.grantId === grantId) store.delete(key)
    },
  })
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), use: 'sig', alg: 'RS256' }
}

const pageStart = '<!doctype html><html lang="en"><title>Test provider</title>'
const loginPage = `${pageStart}
<form method="post"><label>Subject <input name="subject" autofocus></label>
<button name="continue" value="yes">Continue</button> <button name="cancel" value="yes">Cancel</button></form></html>`

async function login(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(loginPage)
    return
  }
  let body = ''
  for await (const chunk of request) body += chunk
  const form = new URLSearchParams(body)
  const result = form.has('cancel')
    ? { error: 'access_denied', error_description: 'The person cancelled.' }
    : { login: { accountId: form.get('subject') ?? '' } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

/**
 * Signs in without a browser: follows the redirects, sends the form, and returns the address of the callback, which is
 * not requested. Give the same `cookies` again to stay signed in at the provider.
 */
export async function signInWithFetch(
  location: string,
  subject: string,
  { cancel = false, cookies = new Map<string, string>() } = {},
): Promise<URL> {
  const { origin } = new URL(location)
  let url = new URL(location)
  let body: URLSearchParams | null = null
  for (let hop = 0; hop < 10; hop += 1) {
    const response: Response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    const text = await response.text()
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const next = response.headers.get('location')
    body = null
    if (next !== null) {
      url = new URL(next, url)
      if (url.origin !== origin) return url
    } else if (text.includes('name="subject"')) {
      body = new URLSearchParams(cancel ? { cancel: 'yes' } : { subject, continue: 'yes' })
    } else throw new Error(`the provider answered ${response.status}: ${text.slice(0, 500)}`)
  }
  throw new Error('too many redirects')
}
