/**
 * Every request to the identity provider: within the time limit of its sign-in, with a limited body, and over https
 * except on loopback hosts. Used by provider.ts and provider-metadata.ts as the fetch of openid-client and jose, and for the
 * keys of other issuers by exchange/fetch-issuer-keys.ts.
 */
import type { CustomFetch } from 'openid-client'
import { isLoopbackHost } from '../../../lib/loopback-host.ts'
import { quoteForLog, SignInError } from './sign-in-error.ts'

/** An ID token with 10,000 groups has about 700 kB. */
const defaultMaxBodyBytes = 2 * 1024 * 1024

/** Throws SignInError: provider_unreachable, also for status 429 and 5xx, or bad_provider_response. */
export function createProviderFetch(deadline: AbortSignal, maxBodyBytes = defaultMaxBodyBytes): CustomFetch {
  return async (address, init) => {
    const url = new URL(address)
    if (!isSecureUrl(url))
      throw new SignInError(
        'bad_provider_response',
        `the provider names an address without https: ${url.origin}`,
      )
    const place = `${init.method} ${url.origin}${url.pathname}`
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline
    try {
      const response = await fetch(url, { ...init, signal } as RequestInit)
      if (response.status === 429 || response.status >= 500) {
        await response.body?.cancel()
        throw new SignInError('provider_unreachable', `${place} answered with status ${response.status}`)
      }
      const body = await readLimited(response, place, maxBodyBytes)
      const hasBody = ![204, 205, 304].includes(response.status)
      return new Response(hasBody ? body : null, { status: response.status, headers: response.headers })
    } catch (error) {
      if (error instanceof SignInError) throw error
      throw new SignInError('provider_unreachable', `${place} failed: ${reasonOf(error)}`)
    }
  }
}

/** https, or http on this machine. */
export const isSecureUrl = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))

async function readLimited(
  response: Response,
  place: string,
  maxBodyBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (sizeBytes > maxBodyBytes)
      throw new SignInError('bad_provider_response', `${place} answered with more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** The code of the network, such as ECONNREFUSED or SELF_SIGNED_CERT_IN_CHAIN, else the message. For an unknown CA also what helps. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return 'no answer in time'
  const { code } = (cause ?? {}) as { code?: unknown }
  const isUnknownIssuer = /SELF_SIGNED|UNABLE_TO_/.test(String(code))
  return `${quoteForLog(code ?? message)}${isUnknownIssuer ? '; set NODE_EXTRA_CA_CERTS to the file of its CA' : ''}`
}
