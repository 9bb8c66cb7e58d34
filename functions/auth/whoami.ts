/** Who asks, as the server sees it: for octo whoami and for people who wonder which credential they hold. */
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const whoami: EndpointHandler<'whoami'> = async ({ settings }, { role, actor }) => ({
  role: role === 'admin' ? 'admin' : 'user',
  actor: actor.actor,
  source: actor.source,
  project: settings.PROJECT_NAME,
})
