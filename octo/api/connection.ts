/**
 * Reads the connection to the server from the environment or from a context: address, credential, proxies, retries.
 * Called by api-command.ts and completion.ts before the first request.
 */
import { CliError } from '../errors/cli-error.ts'
import { readRequester } from './ci-environment.ts'
import { proxyHostFor, readProxies } from './proxies.ts'
import type { Connection, Context } from './types.ts'

const example = 'for example OCTOPOD_URL=https://octopod.example.com'

/**
 * With `context`, address and credential are those of the context; without one, those of the two variables of Octopod
 * 1.6. An address never gets the credential of another one. Throws a CliError of kind `settings`.
 */
export function readConnection(environment: NodeJS.ProcessEnv, context: Context | null = null): Connection {
  const value = environment.OCTOPOD_URL?.trim() ?? ''
  if (value === '' && context === null) {
    throw new CliError(
      'settings',
      'OCTOPOD_URL is not set.',
      `Set it to the address of your installation, ${example}, or save one: octo context set NAME --url URL`,
    )
  }
  const urlSource = context === null ? 'OCTOPOD_URL' : `the URL of context ${context.name}`
  const credentialSource =
    context === null ? 'OCTO_AUTHORIZATION_HEADER' : `the credential of context ${context.name}`
  const { origin, prefix } = readUrl(context?.url ?? value, urlSource)
  const proxies = readProxies(environment)
  return {
    origin,
    prefix,
    serverAddress: origin + prefix,
    authorization: readAuthorization(
      context === null ? environment.OCTO_AUTHORIZATION_HEADER : context.authorization,
      credentialSource,
    ),
    credentialSource,
    requester: readRequester(environment),
    proxies,
    proxyHost: proxyHostFor(proxies, origin),
    caFile: environment.OCTOPOD_CA_FILE?.trim() || context?.ca_file || null,
    retries: readRetries(environment.OCTO_RETRIES),
    urlSource,
  }
}

/** As in Octopod 1.6, an address without a scheme means http. */
export function readUrl(value: string, source: string): Pick<Connection, 'origin' | 'prefix'> {
  const text = value.trim()
  const withScheme = text.includes('://') ? text : `http://${text}`
  const url = /\s/.test(withScheme) ? null : URL.parse(withScheme)
  // No message repeats the address, because it may contain a password.
  if (url === null)
    throw new CliError('settings', `${source} is not a URL.`, `It looks like this, ${example}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliError(
      'settings',
      `${source} begins with ${url.protocol}//, but octo supports only http:// and https://.`,
      `Correct it, ${example}`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError(
      'settings',
      `${source} contains a user name or password.`,
      'Remove them and put the credential into OCTO_AUTHORIZATION_HEADER, for example "Basic …".',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new CliError(
      'settings',
      `${source} contains a ? or #.`,
      `Give only scheme, host and path, ${example}`,
    )
  }
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return { origin: url.origin, prefix }
}

/** Trims the value, because a secret from a file often ends with a new line. */
export function readAuthorization(value: string | undefined, source: string): string | null {
  const text = value?.trim() ?? ''
  if (text === '') return null
  if (/[^\t\u0020-\u007e]/.test(text)) {
    throw new CliError(
      'settings',
      `${source} contains a character that is not allowed in an HTTP header, such as a new line or one beyond ASCII.`,
      'Copy it again from your installation. octo never shows its value.',
    )
  }
  return text
}

function readRetries(value: string | undefined): number {
  const text = value?.trim() ?? ''
  if (text === '') return 3
  if (/^\d$/.test(text)) return Number(text)
  throw new CliError('settings', 'OCTO_RETRIES is not a number from 0 to 9.', 'Correct it or unset it.')
}
