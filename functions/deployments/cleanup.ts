import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { submitAction } from './submit-action.ts'

export const cleanupDeployment: EndpointHandler<'cleanupDeployment'> = (services, asked) =>
  submitAction(services, asked, { kind: 'cleanup', name: asked.param('name') })
