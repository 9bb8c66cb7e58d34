/** Says why a CI job without a credential has no ID token either. Called by connection.ts. */
import { readFileSync } from 'node:fs'

/** A sentence; null outside of the two systems. */
export function explainMissingIdToken(environment: NodeJS.ProcessEnv, serverAddress: string): string | null {
  if (environment.GITHUB_ACTIONS === 'true')
    return isForkOfGithub(environment)
      ? 'GitHub gives the jobs of pull requests from forks no ID token: push the branch to the repository itself.'
      : 'The job has no ID token: give it the permission id-token: write, or a credential in OCTO_AUTHORIZATION_HEADER.'
  if (environment.GITLAB_CI === 'true')
    return `The job has no ID token: give it one with id_tokens: OCTOPOD_ID_TOKEN: aud: ${serverAddress}, or a credential in OCTO_AUTHORIZATION_HEADER.`
  return null
}

type PullRequestEvent = {
  pull_request?: { head?: { repo?: { id?: unknown } | null }; base?: { repo?: { id?: unknown } } }
}

/** By the file in which GitHub describes the event. */
function isForkOfGithub({ GITHUB_EVENT_NAME, GITHUB_EVENT_PATH }: NodeJS.ProcessEnv): boolean {
  if (!GITHUB_EVENT_NAME?.startsWith('pull_request') || !GITHUB_EVENT_PATH) return false
  try {
    const { pull_request: pull } = JSON.parse(readFileSync(GITHUB_EVENT_PATH, 'utf8')) as PullRequestEvent
    // A deleted fork is null.
    return pull !== undefined && pull.head?.repo?.id !== pull.base?.repo?.id
  } catch {
    return false
  }
}
