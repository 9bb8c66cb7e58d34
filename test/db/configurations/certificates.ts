/** A private CA of one test, with certificates for servers and clients. Made with openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Certificate = { cert: string; key: string }
export type CertificateAuthority = {
  /** The file of its certificate. */
  ca: string
  /** `altName`: e.g. DNS:localhost or IP:127.0.0.1. */
  issue(name: string, altName?: string): Certificate
  remove(): void
}

export function createCertificateAuthority(): CertificateAuthority {
  const dir = mkdtempSync(join(tmpdir(), 'octopod-ca-'))
  const file = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const keyOptions = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    ...['req', '-x509', ...keyOptions, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-days', '2'],
    ...['-subj', '/CN=the CA of a test'],
  )
  return {
    ca: file('ca.crt'),
    issue(name, altName) {
      const [key, request, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map((end) =>
        file(`${name}.${end}`),
      )
      if (!key || !request || !cert || !extensions) throw new Error('no file')
      openssl('req', ...keyOptions, '-keyout', key, '-out', request, '-subj', `/CN=${name}`)
      writeFileSync(extensions, altName === undefined ? '' : `subjectAltName=${altName}\n`)
      openssl(
        ...[
          'x509',
          '-req',
          '-in',
          request,
          '-CA',
          file('ca.crt'),
          '-CAkey',
          file('ca.key'),
          '-CAcreateserial',
        ],
        ...['-days', '2', '-extfile', extensions, '-out', cert],
      )
      return { cert, key }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
