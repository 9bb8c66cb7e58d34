/**
 * Reads /config.json, the settings that the page needs before its first API call (as in Octopod 1.6). Called
 * by main.ts and account/.
 */
import type { PageConfig as ServedConfig } from '../../domain/access/access-schemas.ts'
import { headers } from '../../domain/endpoints.ts'
import { basePath } from '../base-path.ts'
import { fetchOrThrow } from './client.ts'

/** `server_version`: null when another program has answered. */
export type PageConfig = ServedConfig & { server_version: string | null }

export async function fetchPageConfig(): Promise<PageConfig> {
  const response = await fetchOrThrow(`${basePath}/config.json`, { signal: AbortSignal.timeout(10_000) })
  return { ...(await response.json()), server_version: response.headers.get(headers.version) }
}
