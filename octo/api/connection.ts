/**
 * Where the server is, by which way, and who asks: from the environment, else from a context. Called by base-command.ts
 * before anything is sent.
 */
import { CliError } from '../errors/cli-error.ts'
import { type Requester, readRequester } from './ci-environment.ts'
import { type Proxies, readProxies } from './proxies.ts'

export type Connection = {
  /** Scheme, host and port. */
  origin: string
  /** What comes before /api/v1: empty, or `/` and a path without a slash at its end. */
  prefix: string
  /** Never shown, in no message. */
  authorization: string | null
  identity: Requester
  proxies: Proxies
  /** Certificates to trust beside the usual ones. */
  caFile: string | null
  /** How often a request that failed in passing is sent again. */
  retries: number
  /** Where the address comes from, for messages: OCTOPOD_URL or a context. */
  urlSource: string
  /** Where the credential comes from or would: OCTO_AUTHORIZATION_HEADER or a context. */
  credentialSource: string
}

/** An installation as the contexts file holds it. */
export type Context = { name: string; url: string; authorization?: string; ca_file?: string }

const example = 'for example OCTOPOD_URL=https://octopod.example.com'

/**
 * The two variables of Octopod 1.6 always win over `context`. A context's credential is for its own address only: it is
 * not sent to another one that OCTOPOD_URL names. Throws a Failure of kind `settings`.
 */
export function readConnection(environment: NodeJS.ProcessEnv, context: Context | null = null): Connection {
  const value = environment.OCTOPOD_URL?.trim() ?? ''
  const usedContext = value === '' ? context : null
  if (value === '' && usedContext === null) {
    throw new CliError(
      'settings',
      'OCTOPOD_URL is not set.',
      `Set it to the address of your installation, ${example}; or keep it: octo context set NAME --url URL`,
    )
  }
  const urlSource = usedContext === null ? 'OCTOPOD_URL' : `the URL of context ${usedContext.name}`
  const header = environment.OCTO_AUTHORIZATION_HEADER?.trim() ?? ''
  const usesContextCredential = header === '' && usedContext !== null
  const credentialSource = usesContextCredential
    ? `the credential of context ${usedContext.name}`
    : 'OCTO_AUTHORIZATION_HEADER'
  return {
    ...readUrl(usedContext?.url ?? value, urlSource),
    authorization: readAuthorization(
      usesContextCredential ? usedContext.authorization : header,
      credentialSource,
    ),
    credentialSource,
    identity: readRequester(environment),
    proxies: readProxies(environment),
    caFile: environment.OCTOPOD_CA_FILE?.trim() || usedContext?.ca_file || null,
    retries: readRetries(environment.OCTO_RETRIES),
    urlSource,
  }
}

/** As Octopod 1.6: without a scheme it is http. */
export function readUrl(value: string, source: string): Pick<Connection, 'origin' | 'prefix'> {
  const text = value.trim()
  const withScheme = text.includes('://') ? text : `http://${text}`
  const url = /\s/.test(withScheme) ? null : URL.parse(withScheme)
  // The text itself is not repeated where it may hold a password.
  if (url === null)
    throw new CliError('settings', `${source} is not a URL.`, `It looks like this, ${example}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliError(
      'settings',
      `${source} begins with ${url.protocol}// but octo speaks only http:// and https://.`,
      `Correct it, ${example}`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError(
      'settings',
      `${source} holds a user name or password.`,
      'Take them out and put the credential into OCTO_AUTHORIZATION_HEADER, for example "Basic …".',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new CliError(
      'settings',
      `${source} holds a ? or #.`,
      `Only scheme, host and path belong there, ${example}`,
    )
  }
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return { origin: url.origin, prefix }
}

/** White space around it is dropped: secrets kept in files end with a new line. */
export function readAuthorization(value: string | undefined, source: string): string | null {
  const text = value?.trim() ?? ''
  if (text === '') return null
  if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(text)) {
    throw new CliError(
      'settings',
      `${source} holds a character that no HTTP header can carry (such as a new line).`,
      'Copy it again from your installation; its value is not shown here.',
    )
  }
  return text
}

function readRetries(value: string | undefined): number {
  const text = value?.trim() ?? ''
  if (text === '') return 3
  if (/^\d$/.test(text)) return Number(text)
  throw new CliError('settings', 'OCTO_RETRIES is not a number from 0 to 9.', 'Correct it or leave it out.')
}
