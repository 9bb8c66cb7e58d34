/** Who asks, as the server sees it: for octo whoami and for people who wonder which credential they hold. */
import type { Answerer } from './route.ts'

export const whoami: Answerer<'whoami'> = async ({ settings }, { role, asker }) => ({
  role: role === 'admin' ? 'admin' : 'user',
  actor: asker.actor,
  source: asker.source,
  project: settings.PROJECT_NAME,
})
