/**
 * Reads addresses of PostgreSQL as libpq understands them. Called when settings are read and by db/postgres/connect.ts.
 * No message shows a part of the address, which may hold a piece of the password.
 */

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export type DatabaseAddress = {
  host?: string | undefined
  port?: number | undefined
  database?: string | undefined
  user?: string | undefined
  password?: string | undefined
  applicationName?: string | undefined
  /** For the session, e.g. `-c search_path=staging`. */
  options?: string | undefined
  sslMode: SslMode
  /** File of the CA, or `system`. */
  sslRootCert?: string | undefined
  sslCert?: string | undefined
  sslKey?: string | undefined
}

/** The message begins in the middle of a sentence, after the name of the setting. */
export class UnreadableUrl extends Error {
  override name = 'UnreadableUrl'
}

const encodeAdvice =
  'in the user name and the password write % as %25, : as %3A, / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, @ as %40 and a space as %20'
export const unencoded = (example: string): string => `cannot be read as ${example}: ${encodeAdvice}`
const unreadable = unencoded('postgres://user:password@host:5432/database')

/** Throws {@link UnreadableUrl}. */
export function readDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.parse(hasSeveralHosts(text) ? 'postgres://several' : text)
  if (url === null || endsTooEarly(text)) throw new UnreadableUrl(unreadable)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw new UnreadableUrl('must begin with postgres:// or postgresql://')
  const parameters = Object.fromEntries(url.searchParams)
  if (hasSeveralHosts(text) || parameters.host?.includes(','))
    throw new UnreadableUrl(
      'names several hosts, which the driver cannot try in turn: name one address that leads to the primary, as a Kubernetes Service, HAProxy or pgbouncer does',
    )
  try {
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || parameters.host,
      port: Number(url.port || parameters.port) || undefined,
      database: decodeURIComponent(url.pathname.slice(1)) || parameters.dbname,
      user: decodeURIComponent(url.username) || parameters.user,
      password: decodeURIComponent(url.password) || parameters.password,
      applicationName: parameters.application_name,
      options: parameters.options,
      sslMode: readSslMode(parameters),
      sslRootCert: parameters.sslrootcert,
      ...readClientCertificate(parameters),
    }
  } catch (error) {
    throw error instanceof UnreadableUrl ? error : new UnreadableUrl(unreadable)
  }
}

/** A character of the password ended the part with user and host, as in `postgres://user:1/2@host/database`. */
export function endsTooEarly(url: string): boolean {
  const [, authority = '', rest = ''] = /^[^:]*:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  return (
    rest.includes('#') || (!authority.includes('@') && /^(\/[^?]*@|\?(?!.*\b(user|dbname)=).*@)/s.test(rest))
  )
}

const hasSeveralHosts = (url: string): boolean =>
  /^[^:]*:\/\/(?:[^/?#]*@)?[^/?#@,]*[^/?#@,:],[^/?#@]*(?:[/?#]|$)/.test(url) && !endsTooEarly(url)

type Parameters = Partial<Record<string, string>>

function readSslMode({ sslmode, ssl, sslrootcert }: Parameters): SslMode {
  const isSystem = sslrootcert === 'system'
  const given = sslmode ?? (ssl === 'true' ? 'require' : undefined)
  // libpq verifies whenever it is given public CAs. Drivers of Node call `require` so that verifies nothing.
  const mode = given === 'no-verify' ? 'require' : (given ?? (isSystem ? 'verify-full' : 'prefer'))
  if (!isSslMode(mode)) throw new UnreadableUrl(`has an unknown sslmode: use one of ${sslModes.join(', ')}`)
  if (isSystem && mode !== 'verify-full')
    throw new UnreadableUrl(
      'has sslrootcert=system, which needs sslmode=verify-full: anyone can get a certificate of a public CA',
    )
  if (mode === 'verify-ca' && sslrootcert === undefined)
    throw new UnreadableUrl('has sslmode=verify-ca, which needs sslrootcert, the file of the CA')
  return mode
}

const isSslMode = (mode: string): mode is SslMode => (sslModes as readonly string[]).includes(mode)

function readClientCertificate({ sslcert, sslkey }: Parameters): Pick<DatabaseAddress, 'sslCert' | 'sslKey'> {
  if ((sslcert === undefined) !== (sslkey === undefined))
    throw new UnreadableUrl('has only one of sslcert and sslkey: a client certificate needs both')
  return { sslCert: sslcert, sslKey: sslkey }
}
