/**
 * The discovery document and the signing keys of the identity provider. Both are fetched when they are needed and
 * shared by concurrent callers. Used by provider.ts.
 */
import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as joseFetch } from 'jose'
import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client'
import { createProviderFetch, isSecureUrl } from './provider-fetch.ts'
import { quoteForLog, SignInError } from './sign-in-error.ts'

export type ProviderMetadata = { server: ServerMetadata; keys: JWTVerifyGetKey }

type Options = { issuer: string; clientId: string; timeoutMs: number; now: () => number }

const discoveryMaxAgeMs = 3_600_000
const keysMaxAgeMs = 300_000

/** The returned function rejects with a SignInError. A failure is not remembered: the next call asks again. */
export function createMetadataReader({
  issuer,
  clientId,
  timeoutMs,
  now,
}: Options): () => Promise<ProviderMetadata> {
  let current: { metadata: ProviderMetadata; fetchedAtMs: number; keysUrl: string } | null = null
  let running: Promise<ProviderMetadata> | null = null

  const read = async (): Promise<ProviderMetadata> => {
    const server = await discover(issuer, clientId, timeoutMs)
    const keysUrl = server.jwks_uri
    if (keysUrl === undefined)
      throw new SignInError('bad_provider_response', 'the discovery document has no jwks_uri')
    const keys = current?.keysUrl === keysUrl ? current.metadata.keys : createKeys(keysUrl, timeoutMs)
    current = { metadata: { server, keys }, fetchedAtMs: now(), keysUrl }
    return current.metadata
  }

  return async () => {
    if (current !== null && now() - current.fetchedAtMs < discoveryMaxAgeMs) return current.metadata
    running ??= read().finally(() => {
      running = null
    })
    return running
  }
}

async function discover(issuer: string, clientId: string, timeoutMs: number): Promise<ServerMetadata> {
  const url = new URL(issuer)
  if (!isSecureUrl(url))
    throw new SignInError(
      'bad_provider_response',
      'OIDC_ISSUER has no https; http is for loopback hosts only',
    )
  const configuration = await discovery(url, clientId, undefined, undefined, {
    [customFetch]: createProviderFetch(AbortSignal.timeout(timeoutMs)),
    execute: url.protocol === 'http:' ? [allowInsecureRequests] : [],
  })
  const server = configuration.serverMetadata()
  // Entra's document for all tenants. With it, everybody with an account at Microsoft could sign in.
  if (server.issuer.includes('{'))
    throw new SignInError(
      'bad_provider_response',
      `OIDC_ISSUER must name one tenant; its document names ${quoteForLog(server.issuer)}`,
    )
  return server
}

/**
 * An unknown key makes jose fetch the keys again. Without a cool-down, rotated keys work at once: tokens come only from
 * the token endpoint, so there is at most one fetch for each sign-in, and concurrent ones share it.
 */
const createKeys = (url: string, timeoutMs: number): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(url), {
    cooldownDuration: 0,
    cacheMaxAge: keysMaxAgeMs,
    timeoutDuration: timeoutMs,
    [joseFetch]: (address, { signal, headers, method, redirect }) =>
      createProviderFetch(signal)(address, {
        headers: Object.fromEntries(headers),
        method,
        redirect,
        signal,
        body: null,
      }),
  })
