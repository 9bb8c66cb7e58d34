/**
 * Reads the connection to the server from the environment or from a context: address, credential, proxies, retries.
 * Called by api-command.ts and completion.ts before the first request.
 */
import { CliError } from '../errors/cli-error.ts'
import { exampleAddress, readUrl } from './address.ts'
import { readRequester } from './ci-environment.ts'
import { findIdTokenSource } from './job/id-token.ts'
import { explainMissingIdToken } from './job/missing-id-token.ts'
import { proxyHostFor, readProxies } from './proxies.ts'
import type { Connection, Context } from './types.ts'

/**
 * With `context`, address and credential are those of the context; without one, those of the two variables of Octopod
 * 1.6. `login`: the context that was logged in at the address of OCTOPOD_URL; its token counts where the variable has no
 * credential. An address never gets the credential of another one. Throws a CliError of kind `settings`.
 */
export function readConnection(
  environment: NodeJS.ProcessEnv,
  context: Context | null = null,
  login: Context | null = null,
): Connection {
  const value = environment.OCTOPOD_URL?.trim() ?? ''
  if (value === '' && context === null) {
    throw new CliError(
      'settings',
      'OCTOPOD_URL is not set.',
      `Set it to the address of your installation, ${exampleAddress}, or save one: octo login --url URL`,
    )
  }
  const urlSource = context === null ? 'OCTOPOD_URL' : `the URL of context ${context.name}`
  const saved = context ?? (environment.OCTO_AUTHORIZATION_HEADER?.trim() ? null : login)
  const credentialSource =
    saved === null ? 'OCTO_AUTHORIZATION_HEADER' : `the credential of context ${saved.name}`
  const { origin, prefix } = readUrl(context?.url ?? value, urlSource)
  const proxies = readProxies(environment)
  const serverAddress = origin + prefix
  const authorization = readAuthorization(
    saved === null ? environment.OCTO_AUTHORIZATION_HEADER : saved.authorization,
    credentialSource,
  )
  // As the credential in a variable, an ID token belongs to the address in OCTOPOD_URL.
  const isOfJob = saved === null && authorization === null
  const idTokenSource = isOfJob ? findIdTokenSource(environment, serverAddress) : null
  return {
    origin,
    prefix,
    serverAddress,
    authorization,
    isLogin: saved?.is_login ?? false,
    idTokenSource,
    missingIdToken:
      isOfJob && idTokenSource === null ? explainMissingIdToken(environment, serverAddress) : null,
    credentialSource,
    requester: readRequester(environment),
    proxies,
    proxyHost: proxyHostFor(proxies, origin),
    caFile: environment.OCTOPOD_CA_FILE?.trim() || saved?.ca_file || null,
    retries: readRetries(environment.OCTO_RETRIES),
    urlSource,
  }
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
