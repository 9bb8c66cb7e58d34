import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { submitAction } from './submit-action.ts'

export const restoreDeployment: EndpointHandler<'restoreDeployment'> = (services, asked) =>
  submitAction(services, asked, { kind: 'restore', name: asked.param('name') })
