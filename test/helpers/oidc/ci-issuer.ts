/**
 * An issuer of ID tokens for CI jobs on a port of loopback, and the policy that trusts it.
 *
 * - `issuer` ends in /_services/token, as that of GitHub Enterprise Server, so that the link of a run is known.
 * - `stop()` closes the port and `start()` opens the same one again. `rotateKeys()` signs with a new key and publishes only that.
 * - `respond(path, handler)` replaces an answer: `discovery` or `keys`; null ends it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export type CiIssuer = {
  issuer: string
  /** How often the keys were asked for. */
  keyRequests(): number
  keys(): JWK[]
  /** The claims win over `iat`, `nbf` and `exp` of a token that was made now; undefined leaves one out. */
  sign(claims: Record<string, unknown>, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** With a key that is not published, under the name of the present one. */
  signWithForeignKey(claims: Record<string, unknown>): Promise<string>
  rotateKeys(): Promise<void>
  respond(path: 'discovery' | 'keys', answer: Answer | null): void
  start(): Promise<void>
  stop(): Promise<void>
}

type Key = { privateKey: CryptoKey; jwk: JWK }
let keyCount = 0

async function newKey(alg: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  keyCount += 1
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `key-${keyCount}`, alg, use: 'sig' } }
}

export async function startCiIssuer(alg = 'RS256'): Promise<CiIssuer> {
  let key = await newKey(alg)
  const foreign = await newKey(alg)
  const answers = new Map<string, Answer>()
  let keyRequests = 0
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname
    const name = path.endsWith('/openid-configuration') ? 'discovery' : path.endsWith('/keys') ? 'keys' : null
    if (name === 'keys') keyRequests += 1
    const answer = answers.get(name ?? '')
    if (answer !== undefined) return answer(request, response)
    const body =
      name === 'discovery'
        ? { issuer, jwks_uri: `${issuer}/keys` }
        : name === 'keys'
          ? { keys: [key.jwk] }
          : null
    response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const issuer = `http://127.0.0.1:${port}/_services/token`

  const signWith = ({ privateKey }: Key, claims: Record<string, unknown>, header: object) => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ iss: issuer, iat: now, nbf: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg, typ: 'JWT', kid: key.jwk.kid ?? '', ...header })
      .sign(privateKey)
  }
  return {
    issuer,
    keyRequests: () => keyRequests,
    keys: () => [key.jwk],
    sign: (claims, header = {}) => signWith(key, claims, header),
    signWithForeignKey: (claims) => signWith(foreign, claims, {}),
    rotateKeys: async () => {
      key = await newKey(alg)
    },
    respond: (path, answer) => {
      if (answer === null) answers.delete(path)
      else answers.set(path, answer)
    },
    start: async () => {
      await listen(port)
    },
    stop: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

export const octopodAudience = 'https://octopod.example.com'

/** Claims as GitHub Actions and GitLab CI send them, for the issuer of a test. */
export const githubJob = {
  aud: octopodAudience,
  sub: 'repo:acme/shop:pull_request',
  actor: 'dev1',
  event_name: 'pull_request',
  head_ref: 'login-form',
  ref: 'refs/pull/412/merge',
  ref_type: 'branch',
  repository: 'acme/shop',
  repository_id: '456',
  repository_owner: 'acme',
  repository_owner_id: '123',
  run_attempt: '1',
  run_id: '16009876543',
  run_number: '99',
  workflow_ref: 'acme/shop/.github/workflows/staging.yaml@refs/pull/412/merge',
}
export const gitlabJob = {
  aud: octopodAudience,
  sub: 'project_path:acme/shop:ref_type:branch:ref:login-form',
  namespace_id: '72',
  namespace_path: 'acme',
  project_id: '20',
  project_path: 'acme/shop',
  job_project_id: '20',
  user_login: 'dev2',
  user_email: 'dev2@example.com',
  pipeline_id: '574',
  pipeline_source: 'merge_request_event',
  job_id: '302',
  ref: 'login-form',
  ref_type: 'branch',
  ref_path: 'refs/heads/login-form',
  ref_protected: 'false',
  environment: 'staging/pr-412',
}

export type TrustRuleOfTest = Record<string, unknown>

/** A policy file; JSON is YAML. */
export const policyWithTrust = (trust: readonly TrustRuleOfTest[]): string =>
  JSON.stringify({
    version: 1,
    default_role: 'viewer',
    rules: [{ group: 'platform', role: 'admin' }],
    trust,
  })

export const githubRule = (issuer: string): TrustRuleOfTest => ({
  issuer,
  audience: octopodAudience,
  conditions: { repository_id: '456', event_name: 'pull_request' },
  role: 'developer',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy file writes claims so.
  names: ['pr-${pull_request}'],
})
export const gitlabRule = (issuer: string): TrustRuleOfTest => ({
  issuer,
  audience: octopodAudience,
  conditions: { project_id: '20', environment: 'staging/pr-*' },
  role: 'operator',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy file writes claims so.
  names: ['${environment#staging/}'],
})
