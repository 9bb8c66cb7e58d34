/** The names of all deployments, newest change first. Called by the list command, the completion and doctor-checks.ts. */
import {
  defaultNameMaxLength,
  deploymentNameError,
  describeNameError,
  longestNameLength,
} from '../../domain/deployment-name.ts'
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

/** The message for an invalid name offers a valid one, as long as the server allows. */
export async function parseNewName(client: ApiClient, name: string): Promise<string> {
  if (deploymentNameError(name, longestNameLength) === null) return name
  const { name_max_length = defaultNameMaxLength } = await client
    .call('whoami', {})
    .catch((): { name_max_length?: number } => ({}))
  throw new CliError('usage', describeNameError(name, name_max_length) ?? 'The name is invalid.')
}
