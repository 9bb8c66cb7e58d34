/** TLS to a real PostgreSQL with a private CA: each sslmode means what it means to libpq. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { sql } from 'slonik'
import { z } from 'zod'
import { openPool } from '../../../db/pool.ts'
import { runMigrations } from '../../../db/run-migrations.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { type Certificate, type CertificateAuthority, createCertificateAuthority } from './certificates.ts'
import { missingPrograms } from './installed.ts'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'

const skip = missingPrograms('openssl')
let postgres: PostgresServer
let authority: CertificateAuthority
let stranger: CertificateAuthority
let client: Certificate

before(async () => {
  if (skip !== false) return
  authority = createCertificateAuthority()
  stranger = createCertificateAuthority()
  client = authority.issue('app')
  postgres = await startPostgresServer()
  const server = authority.issue('server', 'DNS:localhost')
  postgres.copyIn(server.cert, 'server.crt')
  postgres.copyIn(server.key, 'server.key')
  postgres.copyIn(authority.ca, 'ca.crt')
  await postgres.query(`create role app login password 'pw'`)
  await postgres.query('grant all on database octopod to app')
})
after(async () => {
  await postgres?.stop()
  authority?.remove()
  stranger?.remove()
})

type Tls = 'off' | 'on' | 'required' | 'client certificate'
const rules: Record<Tls, string> = {
  off: 'host all app 127.0.0.1/32 scram-sha-256',
  on: 'host all app 127.0.0.1/32 scram-sha-256',
  required: 'hostssl all app 127.0.0.1/32 scram-sha-256',
  'client certificate': 'hostssl all app 127.0.0.1/32 cert',
}

async function setTls(tls: Tls, more: string[] = []): Promise<void> {
  await postgres.configure({ ssl: tls === 'off' ? 'off' : 'on', ssl_ca_file: 'ca.crt' }, [
    rules[tls],
    ...more,
  ])
  await waitFor('PostgreSQL has read its settings', async () => {
    const [{ ssl }] = await postgres.query('show ssl')
    return { done: ssl === (tls === 'off' ? 'off' : 'on'), value: null }
  })
}

/** Whether the connection is encrypted, or why there is none. */
async function connect(parameters: Record<string, string>, host = 'localhost'): Promise<string> {
  const url = new URL(postgres.url)
  url.username = 'app'
  url.password = 'pw'
  url.hostname = host
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  try {
    const pool = await openPool(url.href, { size: 1 })
    const isEncrypted = await pool.oneFirst(
      sql.type(z.object({ ssl: z.boolean() }))`select ssl from pg_stat_ssl where pid = pg_backend_pid()`,
    )
    await pool.end()
    return isEncrypted ? 'encrypted' : 'plain'
  } catch (error) {
    return (error as Error).message
  }
}

suite('sslmode', { skip }, () => {
  const unverified =
    /DATABASE_URL: the certificate cannot be verified .*set sslrootcert to the file of the CA/

  test('disable never encrypts', async () => {
    await setTls('on')
    assert.equal(await connect({ sslmode: 'disable' }), 'plain')
    await setTls('required')
    assert.match(await connect({ sslmode: 'disable' }), /no encryption/)
  })

  test('prefer, which is the default, encrypts where PostgreSQL can, and verifies nothing', async () => {
    for (const parameters of [{}, { sslmode: 'prefer' }]) {
      await setTls('off')
      assert.equal(await connect(parameters), 'plain')
      await setTls('on')
      assert.equal(await connect(parameters), 'encrypted')
      await setTls('required')
      assert.equal(await connect(parameters), 'encrypted')
    }
  })

  test('prefer goes on without TLS where a rule of PostgreSQL demands it, allow the other way round', async () => {
    await postgres.configure({ ssl: 'on' }, ['hostnossl all app 127.0.0.1/32 scram-sha-256'])
    assert.equal(await connect({ sslmode: 'prefer' }), 'plain')
    await setTls('on')
    assert.equal(await connect({ sslmode: 'allow' }), 'plain')
    await setTls('required')
    assert.equal(await connect({ sslmode: 'allow' }), 'encrypted')
  })

  test('require encrypts, and verifies the CA only when it is given one', async () => {
    await setTls('on')
    assert.equal(await connect({ sslmode: 'require' }), 'encrypted')
    assert.equal(await connect({ sslmode: 'require', sslrootcert: authority.ca }, '127.0.0.1'), 'encrypted')
    assert.match(await connect({ sslmode: 'require', sslrootcert: stranger.ca }), unverified)
    await setTls('off')
    assert.match(
      await connect({ sslmode: 'require' }),
      /^DATABASE_URL: PostgreSQL or the pooler has no TLS; /,
    )
  })

  test('verify-ca verifies the CA and not the host name', async () => {
    await setTls('on')
    assert.equal(await connect({ sslmode: 'verify-ca', sslrootcert: authority.ca }, '127.0.0.1'), 'encrypted')
    assert.match(await connect({ sslmode: 'verify-ca', sslrootcert: stranger.ca }), unverified)
    assert.match(await connect({ sslmode: 'verify-ca' }), /needs sslrootcert/)
  })

  test('verify-full verifies the CA and the host name', async () => {
    await setTls('on')
    assert.equal(await connect({ sslmode: 'verify-full', sslrootcert: authority.ca }), 'encrypted')
    assert.match(
      await connect({ sslmode: 'verify-full', sslrootcert: authority.ca }, '127.0.0.1'),
      /^DATABASE_URL: the certificate cannot be verified .*use a host name that the certificate has/,
    )
    assert.match(await connect({ sslmode: 'verify-full', sslrootcert: stranger.ca }), unverified)
    assert.match(
      await connect({ sslmode: 'verify-full' }),
      unverified,
      'a private CA is none of the public ones',
    )
    assert.match(await connect({ sslrootcert: 'system' }), unverified)
  })

  test('A client certificate takes the place of the password', async () => {
    await setTls('client certificate')
    const files = { sslcert: client.cert, sslkey: client.key, sslrootcert: authority.ca }
    assert.equal(await connect({ sslmode: 'verify-full', ...files }), 'encrypted')
    assert.equal(await connect({ sslmode: 'require', sslcert: client.cert, sslkey: client.key }), 'encrypted')
    assert.match(await connect({ sslmode: 'verify-full', sslrootcert: authority.ca }), /certificate/)
    const other = stranger.issue('app')
    assert.match(
      await connect({ sslmode: 'require', sslcert: other.cert, sslkey: other.key }),
      /^DATABASE_URL: TLS failed .*check sslrootcert, sslcert and sslkey/,
    )
  })

  test('A file that cannot be read is named', async () => {
    assert.match(
      await connect({ sslmode: 'verify-full', sslrootcert: '/nowhere/ca.crt' }),
      /^DATABASE_URL names a file that cannot be read: sslrootcert=\/nowhere\/ca.crt \(ENOENT/,
    )
  })

  test('The migration connects in the same way', async () => {
    await setTls('required')
    const url = new URL(postgres.url)
    url.username = 'app'
    url.password = 'pw'
    url.hostname = 'localhost'
    await postgres.query('create schema app authorization app')
    url.search = `?sslmode=verify-full&sslrootcert=${stranger.ca}`
    await assert.rejects(runMigrations(url.href), unverified)
    url.search = `?sslmode=verify-full&sslrootcert=${authority.ca}`
    assert.notEqual((await runMigrations(url.href)).length, 0)
  })
})
