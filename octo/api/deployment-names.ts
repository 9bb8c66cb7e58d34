/** The names of all deployments, newest change first. Called by the list command, the completion and doctor-checks.ts. */
import { CliError } from '../errors/cli-error.ts'
import type { ApiClient } from './types.ts'

/** Asks for names only: with thousands of deployments, the whole list has megabytes. */
export async function listNames(client: ApiClient): Promise<string[]> {
  try {
    return await client.call('listDeploymentNames', {})
  } catch (error) {
    // Octopod 1.6 and early servers of 2.0 do not have this endpoint.
    if (!(error instanceof CliError) || error.status !== 404) throw error
  }
  const deployments = await client.call('listDeployments', {})
  return deployments.map(({ deployment }) => deployment.name)
}
