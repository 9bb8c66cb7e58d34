/** /config.json: what the installation tells the page before it can ask for anything; contract §4. */
import { answered } from './problem.ts'

export type PageConfig = { app_auth: string; kubernetes_dashboard_url_template: string | null }

export async function fetchConfig(): Promise<PageConfig> {
  const response = await answered('/config.json', { signal: AbortSignal.timeout(10_000) })
  return response.json()
}
