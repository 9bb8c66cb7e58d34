/** ID tokens that do not count, and issuers that misbehave. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { base64url, SignJWT } from 'jose'
import { createApiClient } from '../../helpers/api-client.ts'
import { githubJob, githubRule, gitlabJob, gitlabRule, startCiIssuer } from '../../helpers/oidc/ci-issuer.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { type ExchangeSystem, exchange, exchangeFields, startExchangeSystem } from './exchange-system.ts'

let all: ExchangeSystem
before(async () => {
  all = await startExchangeSystem((issuer) => [githubRule(issuer), gitlabRule(issuer)])
})
after(() => all.stop())

const nowSeconds = () => Math.floor(Date.now() / 1000)

/** Sends as another client each time: one that sends many wrong tokens is limited. */
let client = 0
const send = async (idToken: string, url = all.system.url) => {
  client += 1
  const response = await fetch(`${url}/api/v1/token`, {
    method: 'POST',
    headers: { 'X-Forwarded-For': `203.0.${client >> 8}.${client & 255}` },
    body: new URLSearchParams(exchangeFields(idToken)),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}
const proxied = () => all.system.startServer({ TRUSTED_PROXIES: '127.0.0.1' })

test('Tokens that are wrong in any way are 400 with a reason', async () => {
  const { url, stop } = await proxied()
  const valid = await all.ci.sign(githubJob)
  const [header = '', payload = '', signature = ''] = valid.split('.')
  const unsigned = `${base64url.encode('{"alg":"none"}')}.${payload}.`
  const publicKey = JSON.stringify(all.ci.keys()[0])
  const confused = await new SignJWT({ ...githubJob, iss: all.ci.issuer })
    .setProtectedHeader({ alg: 'HS256', kid: all.ci.keys()[0]?.kid ?? '' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(publicKey))
  const changed = base64url.encode(
    JSON.stringify({ ...githubJob, iss: all.ci.issuer, ref: 'refs/pull/1/merge' }),
  )
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`c${index}`, '']))
  const nested = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`)
  const cases: [string, string | Promise<string>, RegExp][] = [
    ['text', 'x', /is no ID token/],
    ['truncated', valid.slice(0, 300), /truncated/],
    ['without its last letters', valid.slice(0, -10), /signature|verified/],
    ['encrypted', 'a.b.c.d.e', /is no ID token/],
    ['no JSON', `${base64url.encode('x')}.${payload}.${signature}`, /is no ID token/],
    ['unsigned', unsigned, /signed with "none"/],
    ['signed with the public key as a secret', confused, /signed with "HS256"/],
    ['changed', `${header}.${changed}.${signature}`, /signature .* is wrong/],
    ['signed by somebody else', all.ci.signWithForeignKey(githubJob), /signature .* is wrong/],
    ['an access token', all.ci.sign(githubJob, { typ: 'at+jwt' }), /has the type "at\+jwt"/],
    ['expired', all.ci.sign({ ...githubJob, exp: nowSeconds() - 61 }), /has expired/],
    ['not yet valid', all.ci.sign({ ...githubJob, nbf: nowSeconds() + 90 }), /not yet valid/],
    ['made later than now', all.ci.sign({ ...githubJob, iat: nowSeconds() + 90 }), /not yet valid/],
    ['without an end', all.ci.sign({ ...githubJob, exp: undefined }), /claim "exp"/],
    ['without a beginning', all.ci.sign({ ...githubJob, iat: undefined }), /claim "iat"/],
    ['an end that is a text', all.ci.sign({ ...githubJob, exp: 'never' }), /claim "exp"/],
    ['without a subject', all.ci.sign({ ...githubJob, sub: undefined }), /no claim sub/],
    ['a subject that is a list', all.ci.sign({ ...githubJob, sub: ['x'] }), /claim "sub"|no claim sub/],
    ['of another audience', all.ci.sign({ ...githubJob, aud: 'https://other.example' }), /is made for/],
    ['without an audience', all.ci.sign({ ...githubJob, aud: undefined }), /made for nobody/],
    ['with many claims', all.ci.sign({ ...githubJob, ...many }), /more than 200 claims/],
    ['with NUL', all.ci.sign({ ...githubJob, head_ref: 'a\0b' }), /cannot be stored/],
    ['with half a character', all.ci.sign({ ...githubJob, '\ud800': 'x' }), /cannot be stored/],
    ['nested', all.ci.sign({ ...githubJob, x: nested }), /cannot be stored/],
    [
      'of an unknown issuer',
      all.ci.sign({ ...githubJob, iss: 'https://evil.example' }),
      /No trust rule names/,
    ],
    ['of another repository', all.ci.sign({ ...githubJob, repository_id: '9' }), /its repository_id is 9/],
    ['of another event', all.ci.sign({ ...githubJob, event_name: 'push' }), /its event_name is push/],
    ['of strangers', all.ci.sign({ ...githubJob, event_name: 'pull_request_target' }), /from forks/],
    [
      'of a merged pull request',
      all.ci.sign({ ...githubJob, ref: 'refs/heads/main' }),
      /no claim pull_request/,
    ],
    [
      'of a fork of GitLab',
      all.ci.sign({ ...gitlabJob, project_id: '77' }),
      /carries the project of the fork/,
    ],
    ['with * in a name', all.ci.sign({ ...gitlabJob, environment: 'staging/pr-*' }), /may hold only a-z/],
    ['with .. in a name', all.ci.sign({ ...gitlabJob, environment: 'staging/pr-../x' }), /may hold only a-z/],
    [
      'with upper case in a name',
      all.ci.sign({ ...gitlabJob, environment: 'staging/pr-A' }),
      /may hold only a-z/,
    ],
  ]
  for (const [what, idToken, reason] of cases) {
    const { status, body } = await send(await idToken, url)
    assert.deepEqual([status, body.error, body.code], [400, 'invalid_request', 'id_token_rejected'], what)
    assert.match(body.error_description ?? '', reason, what)
    assert.ok(!body.error_description?.includes(payload), what)
  }
  const huge = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`claim${index}`, '']))
  assert.equal((await send(await all.ci.sign({ ...githubJob, ...huge }), url)).body.code, 'bad_request')
  assert.equal((await send(valid, url)).status, 200)
  await stop()
})

test('A minute of difference between two clocks does no harm', async () => {
  const late = { exp: nowSeconds() - 30 }
  const early = { iat: nowSeconds() + 30, nbf: nowSeconds() + 30 }
  for (const times of [late, early])
    assert.equal((await exchange(all.system.url, await all.ci.sign({ ...githubJob, ...times }))).status, 200)
})

test('An address that sends many wrong tokens is limited; a valid one of it is not', async () => {
  const { url, stop } = await all.system.startServer()
  let last = 0
  for (let index = 0; index < 25 && last !== 429; index += 1)
    last = (await exchange(url, await all.ci.sign({ ...githubJob, repository_id: String(index) }))).status
  assert.equal(last, 429)
  assert.equal((await exchange(url, await all.ci.sign(githubJob))).status, 200)
  await stop()
})

test('Tokens of unknown keys make all servers together ask once in ten seconds; a new key counts at once otherwise', async () => {
  const servers = await Promise.all([proxied(), proxied()])
  const before = all.ci.keyRequests()
  const startedAtMs = performance.now()
  for (let index = 0; index < 30; index += 1) {
    const idToken = await all.ci.sign(githubJob, { kid: `unknown-${index}` })
    const { status, body } = await send(idToken, servers[index % 2]?.url)
    assert.ok(status === 400 || status === 503, JSON.stringify(body))
  }
  const count = all.ci.keyRequests() - before
  assert.ok(count <= 1 + (performance.now() - startedAtMs) / 10_000, `${count} requests`)

  await all.ci.rotateKeys()
  await withDatabase(all.system.databaseUrl, (database) =>
    database.query(`update issuer_keys set attempted_at = attempted_at - interval '2 minutes'`),
  )
  const rotated = await send(await all.ci.sign(githubJob), servers[0]?.url)
  assert.equal(rotated.status, 200, JSON.stringify(rotated.body))
  assert.equal((await send(await all.ci.sign(githubJob), servers[1]?.url)).status, 200)
  await Promise.all(servers.map(({ stop }) => stop()))
})

test('Keys are fetched for issuers of trust rules only', async () => {
  const stranger = await startCiIssuer()
  try {
    const before = stranger.keyRequests()
    const { body } = await exchange(all.system.url, await stranger.sign(githubJob))
    assert.match(body.error_description ?? '', /No trust rule names the issuer/)
    assert.equal(stranger.keyRequests(), before)
  } finally {
    await stranger.stop()
  }
})

test('An issuer that answers badly gives no keys, and the answer is 503 in bounded time', async () => {
  const json = (body: unknown) => (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  const fill = { kty: 'RSA', n: 'A'.repeat(1000), e: 'AQAB' }
  const cases: [
    string,
    'discovery' | 'keys',
    (request: IncomingMessage, response: ServerResponse) => void,
  ][] = [
    ['10 MB of keys', 'keys', json({ keys: Array.from({ length: 10_000 }, () => fill) })],
    ['no JSON', 'keys', (_, response) => response.end('<html>')],
    ['no list', 'keys', json({ keys: 'x' })],
    ['an error', 'keys', (_, response) => response.writeHead(500).end()],
    [
      'a redirect',
      'keys',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
    ['nothing, slowly', 'keys', () => {}],
    [
      'the document of another issuer',
      'discovery',
      json({ issuer: 'https://evil.example', jwks_uri: 'https://evil.example/keys' }),
    ],
    ['keys without https', 'discovery', json({ issuer: all.ci.issuer, jwks_uri: 'http://192.0.2.1/keys' })],
    ['keys in a file', 'discovery', json({ issuer: all.ci.issuer, jwks_uri: 'file:///etc/passwd' })],
  ]
  for (const [what, path, answer] of cases) {
    await withDatabase(all.system.databaseUrl, (database) => database.query('delete from issuer_keys'))
    all.ci.respond(path, answer)
    // A server remembers what it has read for some seconds.
    const fresh = await proxied()
    const { status, body } = await send(await all.ci.sign(githubJob), fresh.url)
    assert.deepEqual(
      [status, body.error],
      [503, 'temporarily_unavailable'],
      `${what}: ${JSON.stringify(body)}`,
    )
    assert.match(body.error_description ?? '', /could not be fetched/)
    all.ci.respond(path, null)
    await fresh.stop()
  }
})

test('A symmetric key, a huge key and a private part in the key set do not come in', async () => {
  const [key] = all.ci.keys()
  const secret = base64url.encode('a secret of the issuer that everybody knows')
  all.ci.respond('keys', (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const keys = [
      { kty: 'oct', k: secret, kid: 'oct', alg: 'HS256' },
      { ...key, kid: 'huge', n: 'A'.repeat(5000) },
      { ...key, d: 'AAAA', p: 'AAAA' },
      null,
    ]
    response.end(JSON.stringify({ keys: keys.filter((one) => one !== null) }))
  })
  try {
    await withDatabase(all.system.databaseUrl, async (database) => {
      await database.query('delete from issuer_keys')
      const { url, stop } = await proxied()
      assert.equal((await send(await all.ci.sign(githubJob), url)).status, 200)
      const { rows } = await database.query('select keys from issuer_keys')
      assert.deepEqual(
        rows[0]?.keys.map(Object.keys).map((names: string[]) => names.sort()),
        [['alg', 'e', 'kid', 'kty', 'n', 'use']],
      )
      await stop()
    })
  } finally {
    all.ci.respond('keys', null)
  }
})

test('A token of another installation, a mistyped one and a made-up one are 401', async () => {
  const other = await startExchangeSystem((issuer) => [githubRule(issuer)])
  const { body } = await exchange(other.system.url, await other.ci.sign(githubJob))
  const whoami = (token: string) => createApiClient(all.system.url, `Bearer ${token}`).api('GET', '/whoami')
  assert.match((await whoami(body.access_token ?? '')).text, /unknown here/)
  assert.match((await whoami(`${body.access_token?.slice(0, -1)}~`)).text, /mistyped/)
  assert.match((await whoami('octopod_job_x')).text, /mistyped/)
  await other.stop()
})
