/** Asks the server whether the caller may do something, before a question or a plan. Called by apply and cleanup. */
import type { Right } from '../../domain/access/roles.ts'
import { CliError } from '../errors/cli-error.ts'
import type { ApiClient } from './types.ts'

/** Throws when the caller may not. */
export async function requireRight(client: ApiClient, right: Right, name: string): Promise<void> {
  try {
    const { allowed, message } = await client.call('explainPolicy', { query: { right, name } })
    if (!allowed) throw new CliError('not_allowed', message)
  } catch (error) {
    // Octopod 1.6 has no such endpoint.
    if (!(error instanceof CliError) || error.status !== 404) throw error
  }
}
