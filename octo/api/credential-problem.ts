/** Says when the server ignores the credential that octo sends. Called by doctor/checks.ts and commands/whoami.ts. */
import type { Connection } from './types.ts'

type CredentialProblem = { result: 'bad'; kind: 'not_allowed'; detail: string; remedy: string }

/** `recognized`: the answer of whoami. Null when octo sends no credential, or the server knows it or does not say. */
export function describeCredentialProblem(
  { authorization, credentialSource }: Connection,
  recognized: boolean | null | undefined,
): CredentialProblem | null {
  if (authorization === null || recognized === true || recognized === undefined) return null
  const source =
    credentialSource === 'OCTO_AUTHORIZATION_HEADER' ? `the value of ${credentialSource}` : credentialSource
  const problem = { result: 'bad', kind: 'not_allowed' } as const
  return recognized === null
    ? {
        ...problem,
        detail: `${source} did not reach the server, so it has no effect`,
        remedy: 'A proxy removes the Authorization header: use an address without a sign-in of its own.',
      }
    : {
        ...problem,
        detail: `the server does not recognize ${source}, so it has no effect`,
        remedy:
          'Copy the credential again from your installation, or remove it. A proxy may also have replaced it.',
      }
}
