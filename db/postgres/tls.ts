/** TLS to PostgreSQL, with the meaning that libpq gives to each sslmode. Called by connect.ts. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { DatabaseAddress } from '../../domain/settings/database-url.ts'
import { UnusableDatabase } from './unusable-database.ts'

/** `false`: without TLS. */
export type Encryption = ConnectionOptions | false

/**
 * How to connect, in this order: `prefer` goes on without TLS where there is none, `allow` the other way round. Throws
 * UnusableDatabase when a file cannot be read.
 */
export function encryptionsOf(address: DatabaseAddress): Encryption[] {
  const { sslMode } = address
  // libpq verifies the CA in every mode once it is given one.
  const tls = () =>
    sslMode === 'verify-full'
      ? { ...readFiles(address), rejectUnauthorized: true }
      : {
          ...readFiles(address),
          rejectUnauthorized: address.sslRootCert !== undefined,
          checkServerIdentity: () => undefined,
        }
  if (sslMode === 'disable' || address.host?.startsWith('/')) return [false]
  if (sslMode === 'allow') return [false, tls()]
  return sslMode === 'prefer' ? [tls(), false] : [tls()]
}

function readFiles({ sslRootCert, sslCert, sslKey }: DatabaseAddress): ConnectionOptions {
  // Without a CA of its own, Node trusts the public ones and those of NODE_EXTRA_CA_CERTS.
  const ca = sslRootCert === 'system' ? undefined : read('sslrootcert', sslRootCert)
  return { ca, cert: read('sslcert', sslCert), key: read('sslkey', sslKey) }
}

function read(parameter: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UnusableDatabase(
      (setting) =>
        `${setting} names a file that cannot be read: ${parameter}=${file} (${(error as Error).message})`,
    )
  }
}

const certificateAdvice: Record<string, string> = {
  ERR_TLS_CERT_ALTNAME_INVALID:
    'use a host name that the certificate has, or sslmode=verify-ca, which verifies only the CA',
  CERT_HAS_EXPIRED: 'renew the certificate of PostgreSQL',
  CERT_NOT_YET_VALID: 'set the clocks of both machines',
}

/** What to do about an error of TLS, or null for another error. */
export function adviseOnTls(error: unknown): string | null {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  if (message === 'The server does not support SSL connections')
    return 'PostgreSQL or the pooler has no TLS; turn it on there, or set sslmode=disable if the network is trusted'
  if (/^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|HOSTNAME_MISMATCH)/.test(code)) {
    const advice =
      certificateAdvice[code] ??
      'set sslrootcert to the file of the CA that signed the certificate of PostgreSQL'
    return `the certificate cannot be verified (${message}); ${advice}`
  }
  if (/^ERR_(SSL|OSSL)/.test(code))
    return `TLS failed (${message.trim()}); check sslrootcert, sslcert and sslkey, and whether PostgreSQL demands a client certificate`
  return null
}
