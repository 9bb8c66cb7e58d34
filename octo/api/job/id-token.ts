/**
 * Where octo finds the ID token of a CI job, and how it reads it. Called by connection.ts, which uses it when there is no credential,
 * and by client.ts.
 */
import { readFileSync } from 'node:fs'
import { isLoopbackHost } from '../../../lib/loopback-host.ts'
import { CliError } from '../../errors/cli-error.ts'
import { describeSystemError } from '../../errors/system-error.ts'
import type { IdTokenSource } from '../types.ts'

const maxLength = 16 * 1024

/** Null outside of a job that has an ID token. The audience is the address of the server, unless a variable names another one. */
export function findIdTokenSource(
  environment: NodeJS.ProcessEnv,
  serverAddress: string,
): IdTokenSource | null {
  const value = (name: string) => environment[name]?.trim() || null
  const token = value('OCTOPOD_ID_TOKEN')
  if (token !== null) return { type: 'token', name: 'OCTOPOD_ID_TOKEN', token }
  const path = value('OCTOPOD_ID_TOKEN_FILE')
  if (path !== null) return { type: 'file', name: 'OCTOPOD_ID_TOKEN_FILE', path }
  const url = value('ACTIONS_ID_TOKEN_REQUEST_URL')
  const requestToken = value('ACTIONS_ID_TOKEN_REQUEST_TOKEN')
  if (url === null || requestToken === null) return null
  const audience = value('OCTOPOD_ID_TOKEN_AUDIENCE') ?? serverAddress
  return { type: 'github', name: 'the ID token of GitHub Actions', url, requestToken, audience }
}

/** Sends a GET request, not to the server of the installation. Throws the network errors of undici. */
export type GetRequest = (
  url: URL,
  headers: Record<string, string>,
) => Promise<{ status: number; text: string }>

/** Throws a CliError. No message contains the token. */
export async function readIdToken(source: IdTokenSource, get: GetRequest): Promise<string> {
  switch (source.type) {
    case 'token':
      return source.token
    // Kubernetes replaces the file long before its token ends.
    case 'file':
      return readTokenFile(source)
    case 'github':
      return requestFromGithub(source, get)
  }
}

function readTokenFile({ name, path }: Extract<IdTokenSource, { type: 'file' }>): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CliError('settings', `${name}: ${path} cannot be read: ${describeSystemError(error)}.`)
  }
  if (text !== '' && text.length <= maxLength) return text
  throw new CliError('settings', `${name}: ${path} contains no ID token.`)
}

async function requestFromGithub(
  { url: address, requestToken, audience }: Extract<IdTokenSource, { type: 'github' }>,
  get: GetRequest,
): Promise<string> {
  const url = URL.parse(address)
  // The request carries a credential of the job.
  if (url === null || (url.protocol !== 'https:' && !isLoopbackHost(url.hostname)))
    throw new CliError('settings', 'ACTIONS_ID_TOKEN_REQUEST_URL is no address with https.')
  url.searchParams.set('audience', audience)
  try {
    const { status, text } = await get(url, { authorization: `Bearer ${requestToken}` })
    const token = status === 200 ? readValue(text) : null
    if (token !== null) return token
    throw githubError(`it answered ${status}`, status >= 500 || status === 429)
  } catch (error) {
    if (error instanceof CliError) throw error
    throw githubError(describeSystemError(error), true)
  }
}

function readValue(text: string): string | null {
  try {
    const { value } = JSON.parse(text) as { value?: unknown }
    return typeof value === 'string' && value !== '' ? value : null
  } catch {
    return null
  }
}

function githubError(reason: string, transient: boolean): CliError {
  const error = new CliError(
    'unreachable',
    `GitHub Actions gave no ID token: ${reason}.`,
    'Run the job again. The job needs the permission id-token: write.',
  )
  error.transient = transient
  return error
}
