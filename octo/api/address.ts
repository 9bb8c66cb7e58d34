/** Reads the address of an installation. Called by connection.ts, contexts.ts and commands that take an address. */
import { CliError } from '../errors/cli-error.ts'

export const exampleAddress = 'for example OCTOPOD_URL=https://octopod.example.com'

/** `prefix`: the path before /api/v1, empty or `/` and a path without a slash at its end. */
type Address = { origin: string; prefix: string }

/** As in Octopod 1.6, an address without a scheme means http. */
export function readUrl(value: string, source: string): Address {
  const text = value.trim()
  const withScheme = text.includes('://') ? text : `http://${text}`
  const url = /\s/.test(withScheme) ? null : URL.parse(withScheme)
  // No message repeats the address, because it may contain a password.
  if (url === null)
    throw new CliError('settings', `${source} is not a URL.`, `It looks like this, ${exampleAddress}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliError(
      'settings',
      `${source} begins with ${url.protocol}//, but octo supports only http:// and https://.`,
      `Correct it, ${exampleAddress}`,
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
      `Give only scheme, host and path, ${exampleAddress}`,
    )
  }
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return { origin: url.origin, prefix }
}

/** Whether two addresses are of the same installation. An address that cannot be read is the same as no other. */
export function isSameAddress(one: string, other: string): boolean {
  try {
    const [first, second] = [readUrl(one, ''), readUrl(other, '')]
    return first.origin === second.origin && first.prefix === second.prefix
  } catch {
    return false
  }
}
