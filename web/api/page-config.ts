/**
 * Reads /config.json, the settings that the page needs before its first API call (as in Octopod 1.6). Called
 * by main.ts and account/session.ts.
 */
import { fetchOrThrow } from './errors.ts'

export type PageConfig = { app_auth: string; kubernetes_dashboard_url_template: string | null }

export async function fetchPageConfig(): Promise<PageConfig> {
  const response = await fetchOrThrow('/config.json', { signal: AbortSignal.timeout(10_000) })
  return response.json()
}
