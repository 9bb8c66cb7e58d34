import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { submitAction } from './submit-action.ts'

export const archiveDeployment: EndpointHandler<'archiveDeployment'> = (services, asked) =>
  submitAction(services, asked, { kind: 'archive', name: asked.param('name') })
