/** The names of all deployments, newest change first. Called by the list command, the completion and doctor/checks.ts. */
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

/** How long a name may be. The default for a server that does not tell it, such as one of an earlier version. */
export async function readNameMaxLength(client: ApiClient): Promise<number> {
  const { name_max_length = defaultNameMaxLength } = await client
    .call('whoami', {})
    .catch((): { name_max_length?: number } => ({}))
  return name_max_length
}

/** The message for an invalid name offers a valid one, as long as the server allows. */
export async function parseNewName(client: ApiClient, name: string): Promise<string> {
  if (deploymentNameError(name, longestNameLength) === null) return name
  const error = describeNameError(name, await readNameMaxLength(client))
  throw new CliError('usage', error ?? 'The name is invalid.')
}
