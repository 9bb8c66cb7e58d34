/** Where the jobs of GitHub Actions ask for their ID tokens: checks the request, and signs what a test says. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CiIssuer } from './ci-issuer.ts'

export type GithubTokenEndpoint = {
  /** What GitHub gives a job with the permission id-token: write. */
  variables: Record<string, string>
  /** The audiences that were asked for, oldest first. */
  audiences: string[]
  /** The claims of the next tokens, without the audience. */
  setClaims(claims: Record<string, unknown>): void
  stop(): Promise<void>
}

const requestToken = 'request-token-of-the-job'

export async function startGithubTokenEndpoint(
  ci: CiIssuer,
  claims: Record<string, unknown>,
): Promise<GithubTokenEndpoint> {
  const audiences: string[] = []
  let current = claims
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const audience = url.searchParams.get('audience') ?? ''
    const isValid =
      request.headers.authorization === `Bearer ${requestToken}` &&
      url.searchParams.get('api-version') === '2.0'
    audiences.push(audience)
    response.writeHead(isValid ? 200 : 401, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(isValid ? { count: 1, value: await ci.sign({ ...current, aud: audience }) } : {}),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    variables: {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    },
    audiences,
    setClaims: (next) => {
      current = next
    },
    stop: async () => {
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
