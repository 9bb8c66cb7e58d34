/**
 * Fetches the public keys of an issuer of ID tokens: its discovery document, then the keys that it names. Called by
 * issuer-keys.ts, for issuers of trust rules only.
 */
import { z } from 'zod'
import type { PublicKey } from '../../../db/queries/access/issuer-keys.ts'
import { createProviderFetch } from '../oidc/provider-fetch.ts'
import { quoteForLog, SignInError } from '../oidc/sign-in-error.ts'

/** Of each of the two documents. */
const maxBodyBytes = 256 * 1024
const maxKeys = 100

/** `problem`: a sentence part for the log and for admins. */
export type FetchedKeys = { keys: PublicKey[] } | { problem: string }

export async function fetchIssuerKeys(issuer: string, timeoutMs: number): Promise<FetchedKeys> {
  const fetchJson = createJsonReader(timeoutMs)
  try {
    const document = discovery.safeParse(
      await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
    )
    if (!document.success) return { problem: 'its discovery document has no issuer and jwks_uri' }
    // Otherwise an address that answers for another issuer would give the keys of its own.
    if (document.data.issuer !== issuer)
      return {
        problem: `its discovery document is that of ${quoteForLog(document.data.issuer)}: the rule must name it exactly so`,
      }
    const parsed = keySet.safeParse(await fetchJson(document.data.jwks_uri))
    if (!parsed.success) return { problem: 'its key set is no list of keys' }
    const keys = parsed.data.keys.map(toPublicKey).filter((key) => key !== null)
    return { keys: keys.slice(0, maxKeys) }
  } catch (error) {
    if (error instanceof SignInError) return { problem: error.detail }
    throw error
  }
}

/** All requests of one reader share the time limit. A redirect is refused: it could lead into the own network. */
function createJsonReader(timeoutMs: number) {
  const providerFetch = createProviderFetch(AbortSignal.timeout(timeoutMs), maxBodyBytes)
  return async (address: string): Promise<unknown> => {
    const response = await providerFetch(address, {
      method: 'GET',
      redirect: 'manual',
      headers: { accept: 'application/json' },
      body: null,
    })
    if (response.status !== 200)
      throw new SignInError('bad_provider_response', `${address} answered with status ${response.status}`)
    try {
      return await response.json()
    } catch {
      throw new SignInError('bad_provider_response', `${address} answered without JSON`)
    }
  }
}

const discovery = z.object({ issuer: z.string().max(500), jwks_uri: z.url().max(2000) })
const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

const base64url = (maxLength: number) =>
  z
    .string()
    .regex(/^[\w-]+$/)
    .max(maxLength)
const shared = {
  kid: z.string().max(500).optional(),
  alg: z.string().max(20).optional(),
  use: z.literal('sig').optional(),
}
/** Only public parts, and no key that takes long to use. Symmetric keys (`oct`) do not come in. */
const publicKey = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('RSA'), n: base64url(1400), e: base64url(8), ...shared }),
  z.object({
    kty: z.literal('EC'),
    crv: z.string().max(20),
    x: base64url(100),
    y: base64url(100),
    ...shared,
  }),
  z.object({ kty: z.literal('OKP'), crv: z.string().max(20), x: base64url(100), ...shared }),
])

function toPublicKey(key: unknown): PublicKey | null {
  const { data } = publicKey.safeParse(key)
  return data === undefined
    ? null
    : Object.fromEntries(Object.entries(data).filter((entry): entry is [string, string] => !!entry[1]))
}
