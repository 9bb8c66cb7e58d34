/** Handler of /whoami: shows users and octo which role and which actor the server sees. */
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { canReadOutput, isRecognized } from './credentials.ts'

export const whoami: EndpointHandler<'whoami'> = async ({ settings }, { role, actor, header }) => ({
  role: role === 'admin' ? 'admin' : 'user',
  actor: actor.actor,
  source: actor.source,
  project: settings.PROJECT_NAME,
  can_read_output: canReadOutput(settings, role),
  credential_recognized: isRecognized(settings, header('authorization')),
})
