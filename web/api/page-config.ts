/** /config.json: what the installation tells the page before it can ask for anything; contract §4. */
import { fetchOrThrow } from './errors.ts'

export type PageConfig = { app_auth: string; kubernetes_dashboard_url_template: string | null }

export async function fetchPageConfig(): Promise<PageConfig> {
  const response = await fetchOrThrow('/config.json', { signal: AbortSignal.timeout(10_000) })
  return response.json()
}
