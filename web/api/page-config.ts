/**
 * Reads /config.json, the settings that the page needs before its first API call (as in Octopod 1.6). Called
 * by main.ts and account/.
 */
import type { PageConfig } from '../../domain/access/access-schemas.ts'
import { fetchOrThrow } from './client.ts'

export type { PageConfig }

export async function fetchPageConfig(): Promise<PageConfig> {
  const response = await fetchOrThrow('/config.json', { signal: AbortSignal.timeout(10_000) })
  return response.json()
}
