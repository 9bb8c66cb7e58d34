/**
 * Where the server is, by which way, and who asks: from the environment, else from a context. Called by command.ts
 * before anything is sent.
 */
import type { Environment } from './environment.ts'
import { Failure } from './failure.ts'
import { type Identity, readIdentity } from './identity.ts'
import { type Proxies, readProxies } from './proxies.ts'

export type Connection = {
  /** Scheme, host and port. */
  origin: string
  /** What comes before /api/v1: empty, or `/` and a path without a slash at its end. */
  prefix: string
  /** Never shown, in no message. */
  authorization: string | null
  identity: Identity
  proxies: Proxies
  /** Certificates to trust beside the usual ones. */
  caFile: string | null
  /** How often a request that failed in passing is sent again. */
  retries: number
  /** Where the address comes from, for messages: OCTOPOD_URL or a context. */
  from: string
  /** Where the credential comes from or would: OCTO_AUTHORIZATION_HEADER or a context. */
  credentialFrom: string
}

/** An installation as the contexts file holds it. */
export type Place = { name: string; url: string; authorization?: string; ca_file?: string }

const example = 'for example OCTOPOD_URL=https://octopod.example.com'

/**
 * The two variables of Octopod 1.6 always win over `context`. A context's credential is for its own address only: it is
 * not sent to another one that OCTOPOD_URL names. Throws a Failure of kind `settings`.
 */
export function readConnection(environment: Environment, context: Place | null = null): Connection {
  const given = environment.OCTOPOD_URL?.trim() ?? ''
  const used = given === '' ? context : null
  if (given === '' && used === null) {
    throw new Failure(
      'settings',
      'OCTOPOD_URL is not set.',
      `Set it to the address of your installation, ${example}; or keep it: octo context set NAME --url URL`,
    )
  }
  const from = used === null ? 'OCTOPOD_URL' : `the URL of context ${used.name}`
  const header = environment.OCTO_AUTHORIZATION_HEADER?.trim() ?? ''
  const kept = header === '' && used !== null
  const credentialFrom = kept ? `the credential of context ${used.name}` : 'OCTO_AUTHORIZATION_HEADER'
  return {
    ...readUrl(used?.url ?? given, from),
    authorization: readAuthorization(kept ? used.authorization : header, credentialFrom),
    credentialFrom,
    identity: readIdentity(environment),
    proxies: readProxies(environment),
    caFile: environment.OCTOPOD_CA_FILE?.trim() || used?.ca_file || null,
    retries: readRetries(environment.OCTO_RETRIES),
    from,
  }
}

/** As Octopod 1.6: without a scheme it is http. */
export function readUrl(given: string, from: string): Pick<Connection, 'origin' | 'prefix'> {
  const text = given.trim()
  const full = text.includes('://') ? text : `http://${text}`
  const url = /\s/.test(full) ? null : URL.parse(full)
  // The text itself is not repeated where it may hold a password.
  if (url === null) throw new Failure('settings', `${from} is not a URL.`, `It looks like this, ${example}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Failure(
      'settings',
      `${from} begins with ${url.protocol}// but octo speaks only http:// and https://.`,
      `Correct it, ${example}`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new Failure(
      'settings',
      `${from} holds a user name or password.`,
      'Take them out and put the credential into OCTO_AUTHORIZATION_HEADER, for example "Basic …".',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new Failure(
      'settings',
      `${from} holds a ? or #.`,
      `Only scheme, host and path belong there, ${example}`,
    )
  }
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return { origin: url.origin, prefix }
}

/** White space around it is dropped: secrets kept in files end with a new line. */
export function readAuthorization(given: string | undefined, from: string): string | null {
  const text = given?.trim() ?? ''
  if (text === '') return null
  if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(text)) {
    throw new Failure(
      'settings',
      `${from} holds a character that no HTTP header can carry (such as a new line).`,
      'Copy it again from your installation; its value is not shown here.',
    )
  }
  return text
}

function readRetries(given: string | undefined): number {
  const text = given?.trim() ?? ''
  if (text === '') return 3
  if (/^\d$/.test(text)) return Number(text)
  throw new Failure('settings', 'OCTO_RETRIES is not a number from 0 to 9.', 'Correct it or leave it out.')
}
